/** Files of the viewer that are embedded as they are: what is imported is where they can be read. */
declare module "swagger-ui-dist/swagger-ui-bundle.js" {
  const path: string;

  // biome-ignore lint/style/noDefaultExport: files are imported so
  export { path as default };
}

declare module "swagger-ui-dist/swagger-ui.css" {
  const path: string;

  // biome-ignore lint/style/noDefaultExport: files are imported so
  export { path as default };
}
