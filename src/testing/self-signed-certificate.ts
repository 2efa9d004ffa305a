/** A certificate for `localhost` and 127.0.0.1 that signs itself, and its key: for tests of TLS listeners, worth nothing elsewhere. */
export const selfSignedCertificate = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUKrXeuXJsbo/hrIWeWBeIRLR8xtgwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjIyMDc1M1oYDzIxMjYxMDI5
MjIwNzUzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATvqsxaBmkQe5y/l78ecn982Jt91jsGt/ElSn+yU6oyI+TSymFQOLBU
gnl0g35l5AofJEkqVMgVe+l7zuhVO0rWo28wbTAdBgNVHQ4EFgQUPyvTARuu/De9
2DtzIr4kcHncan0wHwYDVR0jBBgwFoAUPyvTARuu/De92DtzIr4kcHncan0wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDRwAwRAIgLdbjl2Sn46cMKewrhVdd/IL5iVydXL+WESs+g55AYy8CIHaB
kMkE9n0D3FktRJ3B/f/oU5z3AEooVytLPJsomcd9
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgY3lH5ov9cm6XX7YN
2EkexMFfn+VqT6tugOnLVIiye4uhRANCAATvqsxaBmkQe5y/l78ecn982Jt91jsG
t/ElSn+yU6oyI+TSymFQOLBUgnl0g35l5AofJEkqVMgVe+l7zuhVO0rW
-----END PRIVATE KEY-----
`,
} as const;
