/** What load balancers ask for by HTTP/1.0, which has no Host header. */
const probedPaths = new Set(["/health", "/health/live", "/health/ready"]);

/**
 * A probe of the server's health without a Host header, as if it named this machine; any other request as it came. Without the header
 * Bun gives a path in place of the URL, which the guard refuses.
 */
export function nameHostOfProbe(request: Request): Request {
  const { method, headers, url } = request;
  const isProbe = probedPaths.has(url) && (method === "GET" || method === "HEAD") && !headers.has("host");
  return isProbe ? new Request(`http://localhost${url}`, { method, headers }) : request;
}
