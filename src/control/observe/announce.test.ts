import { expect, test } from "bun:test";
import { renderUrl } from "./announce.ts";

test("renderUrl: an address for all interfaces is shown as localhost, IPv6 in brackets", () => {
  expect(renderUrl({ host: "0.0.0.0", port: 9000 }, 9000)).toBe("http://localhost:9000");
  expect(renderUrl({ host: "::", port: 9000 }, 9000)).toBe("http://localhost:9000");
  expect(renderUrl({ host: "::1", port: 0 }, 9443, "https")).toBe("https://[::1]:9443");
  expect(renderUrl({ host: "s3.example.com", port: 80 }, 80)).toBe("http://s3.example.com:80");
});
