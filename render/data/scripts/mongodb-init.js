// Runs once, while the image makes an empty data folder: adds the application's
// user, known in admin, with rights on its own database.
db.getSiblingDB("admin").createUser({
  user: process.env.APP_USERNAME,
  pwd: process.env.APP_PASSWORD,
  roles: [{ role: "readWrite", db: process.env.APP_DATABASE }],
});
