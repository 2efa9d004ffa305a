import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { hasTool, runToolOk } from "./client-tool.ts";

const root = resolve(import.meta.dirname, "../../..");
const folder = join(root, "alerts");
const isMissing = !hasTool("promtool");
const ruleFiles = readdirSync(folder).filter((name) => /^maxiofs-.*\.yml$/.test(name));
const testFiles = readdirSync(join(folder, "tests"));
const rules = ruleFiles.map((name) => readFileSync(join(folder, name), "utf8")).join("\n");
const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);

test.skipIf(isMissing)("promtool takes every rule", async () => {
  expect(ruleFiles.length).toBeGreaterThan(0);
  await runToolOk(["promtool", "check", "rules", ...ruleFiles], { cwd: folder });
});

test.skipIf(!hasTool("amtool"))("amtool takes the example for Alertmanager", async () => {
  expect(await runToolOk(["amtool", "check-config", "alertmanager.example.yml"], { cwd: folder })).toContain("SUCCESS");
});

for (const name of testFiles) {
  test.skipIf(isMissing)(
    `promtool: alerts of ${name} fire and are quiet`,
    async () => {
      await runToolOk(["promtool", "test", "rules", name], { cwd: join(folder, "tests"), timeoutSeconds: 240 });
    },
    250_000,
  );
}

test("every alert has a firing case, a quiet case and a section of the runbook", () => {
  const cases = testFiles.map((name) => readFileSync(join(folder, "tests", name), "utf8")).join("\n");
  const runbooks = readFileSync(join(root, "docs/runbooks.md"), "utf8");
  expect(new Set(alerts).size).toBe(alerts.length);
  for (const alert of alerts) {
    expect(cases).toContain(`- name: ${alert} fires\n`);
    expect(cases).toContain(`- name: ${alert} is quiet\n`);
    expect(rules).toContain(`runbook_url: docs/runbooks.md#${alert.toLowerCase()}\n`);
    expect(runbooks).toContain(`\n## ${alert}\n`);
  }
});
