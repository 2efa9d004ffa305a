import { BucketClient } from "../acceptance/bucket-client.ts";
import { type ListedPart, MultipartUpload } from "../acceptance/multipart-upload.ts";
import type { S3Client, S3Response } from "../acceptance/s3-client.ts";
import { encodePath } from "../acceptance/sign-v4.ts";
import { seededBytes } from "../acceptance/test-data.ts";
import { readXmlText } from "../acceptance/xml-text.ts";
import type { Action, Body } from "./action.ts";

interface SentUpload {
  readonly upload: MultipartUpload;
  readonly parts: Map<number, string>;
}

/** Sends the actions of one client, and knows the uploads that it has opened. */
export class ActionSender {
  readonly #s3: S3Client;
  readonly #uploads = new Map<number, SentUpload>();

  constructor(s3: S3Client) {
    this.#s3 = s3;
  }

  /** The server's ids of all uploads ever opened, by the workload's numbers. */
  get uploadIds(): ReadonlyMap<number, string> {
    return new Map([...this.#uploads].map(([number, { upload }]) => [number, upload.uploadId]));
  }

  /** Sends the request of one action. @throws Error when the action names an upload that is not known */
  async send(action: Action): Promise<S3Response> {
    switch (action.kind) {
      case "createBucket":
        return this.#bucket(action.bucket).sendToBucket({ method: "PUT" });
      case "deleteBucket":
        return this.#bucket(action.bucket).sendToBucket({ method: "DELETE" });
      case "put":
        return this.#bucket(action.bucket).put(action.key, bytesOf(action.body));
      case "delete":
        return this.#bucket(action.bucket).delete(action.key);
      case "copy": {
        const source = `/${action.source.bucket}/${encodePath(action.source.key)}`;
        return this.#bucket(action.bucket).put(action.key, "", { "x-amz-copy-source": source });
      }
      case "createUpload":
        return this.#createUpload(action);
      case "putPart":
        return this.#putPart(action);
      case "completeUpload":
        return this.#completeUpload(this.#uploadOf(action.upload));
      case "abortUpload":
        return this.#uploadOf(action.upload).upload.abort();
    }
  }

  #bucket(name: string): BucketClient {
    return new BucketClient(this.#s3, name);
  }

  #uploadOf(number: number): SentUpload {
    const found = this.#uploads.get(number);
    if (found === undefined) throw new Error(`Upload ${number} was never opened`);
    return found;
  }

  async #createUpload({ upload, bucket, key }: Extract<Action, { kind: "createUpload" }>): Promise<S3Response> {
    const client = this.#bucket(bucket);
    const response = await client.send(key, { method: "POST", query: "uploads" });
    const uploadId = readXmlText(response.text, "UploadId");
    if (uploadId !== undefined) {
      this.#uploads.set(upload, { upload: new MultipartUpload(client, key, uploadId), parts: new Map() });
    }
    return response;
  }

  async #putPart({ upload, partNumber, body }: Extract<Action, { kind: "putPart" }>): Promise<S3Response> {
    const sent = this.#uploadOf(upload);
    const response = await sent.upload.put(partNumber, bytesOf(body));
    if (response.status === 200) sent.parts.set(partNumber, response.headers["etag"] ?? "");
    return response;
  }

  #completeUpload({ upload, parts }: SentUpload): Promise<S3Response> {
    const listed: ListedPart[] = [...parts].sort(([a], [b]) => a - b).map(([number, etag]) => ({ number, etag }));
    return upload.complete(listed);
  }
}

/** The bytes of a body. */
export function bytesOf({ sizeBytes, seed }: Body): Buffer {
  return seededBytes(sizeBytes, seed);
}
