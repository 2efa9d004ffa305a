import { type KeyLayout, keyOf, type LoadPlan } from "./load-plan.ts";
import type { ObjectBody } from "./object-body.ts";
import { emptySha256, RequestSigner } from "./request-signer.ts";

/** A signer for the plan's server and credentials. */
export function signerOf(plan: LoadPlan): RequestSigner {
  return new RequestSigner({
    accessKey: plan.accessKey,
    secretKey: plan.secretKey,
    region: plan.region,
    host: `${plan.host}:${plan.port}`,
  });
}

/** Signs requests on the keys of one layout in one bucket. */
export class SignedTargets {
  readonly #signer: RequestSigner;
  readonly #bucketPath: string;
  readonly #layout: KeyLayout;

  constructor(plan: LoadPlan) {
    this.#signer = signerOf(plan);
    this.#bucketPath = `/${plan.bucket}/`;
    this.#layout = plan.work.layout;
  }

  /** Head of a PUT of `body` as key `index`. */
  put(index: number, body: ObjectBody): string {
    return this.#signer.signHead({
      method: "PUT",
      path: this.#bucketPath + keyOf(this.#layout, index),
      query: "",
      sha256: body.sha256,
      crc32: body.crc32,
      contentLength: body.sizeBytes,
    });
  }

  /** Head of a request without a body on key `index`. */
  bare(method: "GET" | "HEAD" | "DELETE", index: number): string {
    const path = this.#bucketPath + keyOf(this.#layout, index);
    return this.#signer.signHead({ method, path, query: "", sha256: emptySha256 });
  }
}

/** The body of key `index`. @throws RangeError when there is none */
export function bodyOf(bodies: readonly ObjectBody[], index: number): ObjectBody {
  const body = bodies[index % bodies.length];
  if (body === undefined) throw new RangeError(`No body for key ${index} among ${bodies.length}`);
  return body;
}
