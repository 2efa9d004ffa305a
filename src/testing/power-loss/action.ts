/** Bytes that can be made again from a seed. */
export interface Body {
  readonly sizeBytes: number;
  readonly seed: number;
}

/** One request of a workload that changes something. Uploads are named by a number of the workload's own. */
export type Action =
  | { readonly kind: "createBucket"; readonly bucket: string }
  | { readonly kind: "deleteBucket"; readonly bucket: string }
  | { readonly kind: "put"; readonly bucket: string; readonly key: string; readonly body: Body }
  | { readonly kind: "delete"; readonly bucket: string; readonly key: string }
  | { readonly kind: "copy"; readonly bucket: string; readonly key: string; readonly source: ObjectName }
  | { readonly kind: "createUpload"; readonly upload: number; readonly bucket: string; readonly key: string }
  | { readonly kind: "putPart"; readonly upload: number; readonly partNumber: number; readonly body: Body }
  | { readonly kind: "completeUpload"; readonly upload: number }
  | { readonly kind: "abortUpload"; readonly upload: number };

/** Bucket and key. */
export interface ObjectName {
  readonly bucket: string;
  readonly key: string;
}

/** An upload that is neither completed nor aborted. */
export interface OpenUploadState extends ObjectName {
  /** Bodies by part number. */
  readonly parts: ReadonlyMap<number, Body>;
}

/** What a client's own buckets hold. */
export interface StoreState {
  readonly buckets: ReadonlySet<string>;
  /** The bodies that one after the other are the object, by `bucket/key`. */
  readonly objects: ReadonlyMap<string, readonly Body[]>;
  readonly uploads: ReadonlyMap<number, OpenUploadState>;
}

/** Nothing. */
export const emptyStore: StoreState = { buckets: new Set(), objects: new Map(), uploads: new Map() };

/** Name of an object in {@link StoreState}. */
export function objectPath({ bucket, key }: ObjectName): string {
  return `${bucket}/${key}`;
}

/** The state after an action that succeeded. The one before stays as it is. */
export function applyAction(before: StoreState, action: Action): StoreState {
  const after = {
    buckets: new Set(before.buckets),
    objects: new Map(before.objects),
    uploads: new Map(before.uploads),
  };
  switch (action.kind) {
    case "createBucket":
      after.buckets.add(action.bucket);
      return after;
    case "deleteBucket":
      after.buckets.delete(action.bucket);
      for (const [upload, { bucket }] of before.uploads) if (bucket === action.bucket) after.uploads.delete(upload);
      return after;
    case "put":
      after.objects.set(objectPath(action), [action.body]);
      return after;
    case "delete":
      after.objects.delete(objectPath(action));
      return after;
    case "copy":
      after.objects.set(objectPath(action), before.objects.get(objectPath(action.source)) ?? []);
      return after;
    case "createUpload":
      after.uploads.set(action.upload, { bucket: action.bucket, key: action.key, parts: new Map() });
      return after;
    default:
      return applyToUpload(after, action, before.uploads.get(action.upload));
  }
}

/** Whether a server with this state answers an action with success. */
export function isPossible(state: StoreState, action: Action): boolean {
  switch (action.kind) {
    case "createBucket":
      return !state.buckets.has(action.bucket);
    case "deleteBucket":
      return ![...state.objects.keys()].some((path) => path.startsWith(`${action.bucket}/`));
    case "delete":
      return state.objects.has(objectPath(action));
    case "copy":
      return state.buckets.has(action.bucket) && state.objects.has(objectPath(action.source));
    case "put":
    case "createUpload":
      return state.buckets.has(action.bucket);
    default:
      return state.uploads.has(action.upload);
  }
}

interface MutableStore {
  readonly objects: Map<string, readonly Body[]>;
  readonly buckets: Set<string>;
  readonly uploads: Map<number, OpenUploadState>;
}

type UploadAction = Extract<Action, { readonly kind: "putPart" | "completeUpload" | "abortUpload" }>;

function applyToUpload(after: MutableStore, action: UploadAction, upload: OpenUploadState | undefined): StoreState {
  if (upload === undefined) return after;
  if (action.kind === "putPart") {
    const parts = new Map(upload.parts).set(action.partNumber, action.body);
    after.uploads.set(action.upload, { ...upload, parts });
    return after;
  }
  after.uploads.delete(action.upload);
  if (action.kind === "completeUpload") after.objects.set(objectPath(upload), bodiesOf(upload));
  return after;
}

/** Bodies of an upload's parts in their order. */
function bodiesOf({ parts }: OpenUploadState): Body[] {
  return [...parts].sort(([a], [b]) => a - b).map(([, body]) => body);
}
