/** Loaded before every test: the control plane refuses to be made while its framework is in another mode, as `main` sees to. */
process.env["NODE_ENV"] = "production";
