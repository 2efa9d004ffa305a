import type { Caller } from "../http/caller.ts";
import type { AuditEvent } from "./audit-event.ts";

/** The part of an event that says who does it and from where. */
export function originOfCaller(caller: Caller): Pick<AuditEvent, "actor" | "requestId" | "address" | "agent" | "via"> {
  const { userId: id, userName: name, sessionId, tokenId, mfa, requestId, address, agent } = caller;
  const session = sessionId ?? tokenId;
  return {
    actor: { kind: "user", id, name, mfa, ...(session !== undefined && { sessionId: session }) },
    ...{ requestId, address, agent },
    via: caller.via === "basic" ? "api" : caller.via,
  };
}
