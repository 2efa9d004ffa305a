/** Text of a file, at most 65,537 characters so that one too long is seen as such, or why it cannot be had. */
export type FileText = { readonly text: string } | { readonly problem: string };

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  ENOTDIR: "a part of its path is no folder",
  EISDIR: "it is a folder",
  EACCES: "this user has no permission",
  EPERM: "this user has no permission",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  ELOOP: "its path has too many symbolic links",
  ENAMETOOLONG: "its path is too long",
  EEXIST: "something else has its name",
};

/** Why the system refused a file or folder, as a clause for the operator; errors without a known code by their code or message. */
export function describeFileError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return code === undefined ? error.message : (reasons[code] ?? code);
}
