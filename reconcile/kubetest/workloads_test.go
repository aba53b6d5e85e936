package kubetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

func client(t *testing.T, config *rest.Config) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func template(image string, annotations map[string]string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}, Annotations: annotations},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: image}}},
	}
}

func deploy(t *testing.T, c kubernetes.Interface, ns, image string, annotations map[string]string) {
	t.Helper()
	replicas := int32(2)
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
			Template: template(image, annotations),
		},
	}
	if _, err := c.AppsV1().Deployments(ns).Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func available(ctx context.Context, c kubernetes.Interface, ns string) error {
	deployment, err := c.AppsV1().Deployments(ns).Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if deployment.Status.AvailableReplicas != 2 {
		return fmt.Errorf("status is %+v, want 2 available", deployment.Status)
	}
	return nil
}

func TestDeploymentBecomesAvailable(t *testing.T) {
	t.Parallel()
	cp := Shared(t)
	c, ns := client(t, cp.Config()), Namespace(t, cp)
	deploy(t, c, ns, "example.org/shop:1", nil)
	began := time.Now()
	Eventually(t, func() error { return available(t.Context(), c, ns) })
	t.Logf("available after %s", time.Since(began))
}

// state tells what the containers of a Pod do: "Running: CrashLoopBackOff".
func state(pod corev1.Pod) string {
	text := string(pod.Status.Phase) + ":"
	for _, container := range pod.Status.ContainerStatuses {
		switch now := container.State; {
		case now.Waiting != nil:
			text += " " + now.Waiting.Reason
		case now.Terminated != nil:
			text += fmt.Sprintf(" exit %d", now.Terminated.ExitCode)
		case container.Ready:
			text += " ready"
		default:
			text += " unready"
		}
	}
	return text
}

func TestPodsFailAsTheirImageOrAnnotationAsks(t *testing.T) {
	for name, tc := range map[string]struct{ image, annotation, want string }{
		"image never-ready":         {image: "example.org/shop:v2-never-ready", want: "Running: unready"},
		"image crash":               {image: "example.org/crash:1", want: "Running: CrashLoopBackOff"},
		"image no-such-image":       {image: "example.org/no-such-image", want: "Pending: ImagePullBackOff"},
		"annotation never-ready":    {image: "example.org/shop:1", annotation: NeverReady, want: "Running: unready"},
		"annotation crash":          {image: "example.org/shop:1", annotation: Crash, want: "Running: CrashLoopBackOff"},
		"annotation over the image": {image: "example.org/crash:1", annotation: NoSuchImage, want: "Pending: ImagePullBackOff"},
		"neither":                   {image: "example.org/shop:1", want: "Running: ready"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cp := Shared(t)
			c, ns := client(t, cp.Config()), Namespace(t, cp)
			var annotations map[string]string
			if tc.annotation != "" {
				annotations = map[string]string{FaultAnnotation: tc.annotation}
			}
			deploy(t, c, ns, tc.image, annotations)
			Eventually(t, func() error {
				pods, err := c.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
				if err != nil {
					return err
				}
				var got []string
				for _, pod := range pods.Items {
					got = append(got, state(pod))
				}
				if !slices.Equal(got, []string{tc.want, tc.want}) {
					return fmt.Errorf("Pods are %q, want two %q", got, tc.want)
				}
				return nil
			})
			err := available(t.Context(), c, ns)
			if healthy := strings.HasSuffix(tc.want, " ready"); !healthy && err == nil {
				t.Error("the Deployment is available")
			}
		})
	}
}

func TestJobsEndAsTheirImageAsks(t *testing.T) {
	for image, want := range map[string]batchv1.JobConditionType{
		"example.org/migrate:1":     batchv1.JobComplete,
		"example.org/migrate:crash": batchv1.JobFailed,
	} {
		t.Run(string(want), func(t *testing.T) {
			t.Parallel()
			cp := Shared(t)
			c, ns := client(t, cp.Config()), Namespace(t, cp)
			job := &batchv1.Job{
				ObjectMeta: metav1.ObjectMeta{Name: "migrate"},
				Spec:       batchv1.JobSpec{Template: template(image, nil), BackoffLimit: new(int32)},
			}
			job.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
			if _, err := c.BatchV1().Jobs(ns).Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			Eventually(t, func() error {
				job, err := c.BatchV1().Jobs(ns).Get(t.Context(), "migrate", metav1.GetOptions{})
				if err != nil {
					return err
				}
				if !slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
					return c.Type == want && c.Status == corev1.ConditionTrue
				}) {
					return fmt.Errorf("conditions are %v, want %s", job.Status.Conditions, want)
				}
				return nil
			})
		})
	}
}

func TestStatefulSetGetsItsVolume(t *testing.T) {
	t.Parallel()
	cp := Shared(t)
	c, ns := client(t, cp.Config()), Namespace(t, cp)
	set := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: "db"},
		Spec: appsv1.StatefulSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
			Template: template("example.org/db:1", nil),
			VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{
				ObjectMeta: metav1.ObjectMeta{Name: "data"},
				Spec: corev1.PersistentVolumeClaimSpec{
					AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
					Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
				},
			}},
		},
	}
	set.Spec.Template.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
	if _, err := c.AppsV1().StatefulSets(ns).Create(t.Context(), set, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	Eventually(t, func() error {
		set, err := c.AppsV1().StatefulSets(ns).Get(t.Context(), "db", metav1.GetOptions{})
		if err == nil && set.Status.ReadyReplicas != 1 {
			err = fmt.Errorf("status is %+v, want 1 ready", set.Status)
		}
		return err
	})
}
