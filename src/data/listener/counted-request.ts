import { IncomingMessage } from "node:http";

/**
 * A request that counts the body bytes it received: on Bun 1.4.5 `socket.bytesRead` stays 0 for HTTP servers. Given to the
 * server as its option `IncomingMessage`.
 */
export class CountedRequest extends IncomingMessage {
  /** Body bytes that arrived, chunk framing of `Transfer-Encoding` excluded. */
  receivedBytes = 0;
  /** Bytes of the worker's memory that this request holds: of its body, or of its answer that is not taken yet. */
  gatheredBytes = 0;
  /** Its bytes wait because of a rate: it is slow, whoever's turn it is. */
  isPaced = false;

  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (chunk instanceof Uint8Array) this.receivedBytes += chunk.length;
    return super.push(chunk, encoding);
  }
}
