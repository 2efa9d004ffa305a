const zero = 0x30;
const point = 0x2e;

/** Lines as bytes, written without any garbage in a part of memory that threads share. */
export class LineBuffer {
  readonly #bytes: Uint8Array;
  #length = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Where it begins in its memory, bytes. */
  get start(): number {
    return this.#bytes.byteOffset;
  }

  /** Bytes that are written. */
  get length(): number {
    return this.#length;
  }

  /** Bytes that fit yet; putting more throws a RangeError or loses them. */
  get room(): number {
    return this.#bytes.length - this.#length;
  }

  /** Begins anew. */
  clear(): void {
    this.#length = 0;
  }

  /** A text in UTF-8. */
  put(text: Uint8Array): void {
    this.#bytes.set(text, this.#length);
    this.#length += text.length;
  }

  /** A short text of ASCII. */
  putAscii(text: string): void {
    let at = this.#length;
    for (let index = 0; index < text.length; index++) this.#bytes[at++] = text.charCodeAt(index);
    this.#length = at;
  }

  /** A whole number from 0 on, in decimal digits. */
  putWhole(value: number): void {
    const start = this.#length;
    let last = start;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) last += 1;
    let rest = value;
    for (let at = last; at >= start; at--) {
      this.#bytes[at] = zero + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    this.#length = last + 1;
  }

  /** A number from 0 on with three decimals. */
  putThousandths(value: number): void {
    const thousandths = Math.round(value * 1_000);
    this.putWhole(Math.floor(thousandths / 1_000));
    const rest = thousandths % 1_000;
    this.#bytes[this.#length++] = point;
    this.#bytes[this.#length++] = zero + Math.floor(rest / 100);
    this.#bytes[this.#length++] = zero + (Math.floor(rest / 10) % 10);
    this.#bytes[this.#length++] = zero + (rest % 10);
  }
}
