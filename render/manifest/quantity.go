package manifest

import (
	"math/big"
	"strings"
)

// quantity is an amount in its smallest unit, bytes or thousandths of a core,
// with the text that Kubernetes gives back for it (apimachinery, resource
// package): written in the same form, an object does not look changed.
type quantity struct {
	amount int64
	text   string
	old    bool // a lower-case suffix of version 1
}

var memoryUnits = map[string]int64{
	"": 1, "b": 1, "k": 1e3, "K": 1e3, "m": 1e6, "M": 1e6, "g": 1e9, "G": 1e9, "t": 1e12, "T": 1e12,
	"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40,
}

// memoryQuantity reads an amount of memory. A lower-case m is megabytes: in
// Kubernetes it would be thousandths of a byte (spec 2.11 rule 1).
func memoryQuantity(s string) (q quantity, ok bool) {
	number, suffix := cutNumber(s)
	unit, known := memoryUnits[suffix]
	amount, fine := scaled(number, unit)
	if !known || !fine {
		return q, false
	}
	q.amount = amount
	q.old = len(suffix) == 1 && strings.ToLower(suffix) == suffix
	base, names := int64(1000), []string{"", "k", "M", "G", "T", "P"}
	if strings.HasSuffix(suffix, "i") {
		base, names = 1024, []string{"", "Ki", "Mi", "Gi", "Ti", "Pi"}
	}
	i := 0
	for amount >= base && amount%base == 0 && i < len(names)-1 {
		amount /= base
		i++
	}
	q.text = itoa(int(amount)) + names[i]
	return q, true
}

// cpuQuantity reads cores, 1.5 or 1500m.
func cpuQuantity(s string) (q quantity, ok bool) {
	number, suffix := cutNumber(s)
	unit := int64(1000)
	switch suffix {
	case "m":
		unit = 1
	case "":
	default:
		return q, false
	}
	amount, ok := scaled(number, unit)
	if !ok {
		return q, false
	}
	return cores(amount), true
}

// cores is the quantity of so many thousandths of a core.
func cores(milli int64) quantity {
	if milli%1000 == 0 {
		return quantity{amount: milli, text: itoa(int(milli / 1000))}
	}
	return quantity{amount: milli, text: itoa(int(milli)) + "m"}
}

func cutNumber(s string) (number, suffix string) {
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || s[end] == '.') {
		end++
	}
	return s[:end], strings.TrimSpace(s[end:])
}

// scaled is number × unit, rounded up to a whole amount.
func scaled(number string, unit int64) (int64, bool) {
	if number == "" || len(number) > 20 || number[0] == '.' || strings.HasSuffix(number, ".") {
		return 0, false
	}
	v, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, false
	}
	v.Mul(v, new(big.Rat).SetInt64(unit))
	whole, rest := new(big.Int).QuoRem(v.Num(), v.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		whole.Add(whole, big.NewInt(1))
	}
	if !whole.IsInt64() {
		return 0, false
	}
	return whole.Int64(), true
}
