// The page: choose, send, follow, read.

import { element, folded, one } from "./dom.js";
import { Refusal, below, call, follow, submit } from "./service.js";
import { IN_WORDS, caption, sentence, stage } from "./words.js";

const PATHS = { classify: "events/classify", locate: "events/locate", cluster: "anomalies/cluster" };
const ENDED = ["succeeded", "failed", "canceled"];
const FORMAT_NAMES = { json: "JSON", quakeml: "QuakeML", geojson: "GeoJSON", csv: "CSV" };
const page = { files: [], job: null };

const question = () => one("input[name=question]:checked").value;
const show = (selector, shown) => { one(selector).hidden = !shown; };

function choose() {
  for (const part of document.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(question());
}

function add(files) {
  for (const file of files) if (!page.files.some((known) => known.name === file.name && known.size === file.size)) page.files.push(file);
  list();
}

function list() {
  one("#chosen").replaceChildren(...page.files.map((file) => {
    const away = element("button", { type: "button", ariaLabel: `Remove ${file.name}`, onclick: () => { page.files = page.files.filter((other) => other !== file); list(); } }, "✕");
    return element("li", {}, `${file.name} `, element("small", {}, size(file.size)), away);
  }));
}

function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  const step = bytes < 1 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** step).toFixed(step ? 1 : 0)} ${units[step]}`;
}

function form() {
  const data = new FormData();
  for (const field of document.querySelectorAll(".options [name]")) {
    const meant = !field.closest("[hidden]") && (field.type !== "checkbox" || field.checked);
    if (meant && field.value !== "") data.append(field.name, field.value);
  }
  for (const file of page.files) data.append("bundle", file, file.name);
  return data;
}

async function ask(event) {
  event.preventDefault();
  for (const selector of ["#problem", "#answer"]) show(selector, false);
  if (page.files.length === 0) return complain({ title: "Nothing to read yet", detail: "Choose at least one recording.", parts: [] });
  one("#send").disabled = true;
  await guarded(async () => {
    progress("Sending", 0);
    const job = await submit(PATHS[question()], form(), (share) => progress("Sending", share));
    await watch(job);
  });
  one("#send").disabled = false;
}

async function watch(job) {
  page.job = job;
  history.replaceState(null, "", `#job=${job.id}`);
  let state = job;
  while (!ENDED.includes(state.status)) {
    told(state);
    // A stream that was cut off by a proxy or a restart is taken up again.
    state = (await follow(job.links.events, told)) ?? (await (await call(`${job.links.self}?wait=5`)).json());
  }
  await answer(state);
}

const told = (state) => progress(stage(state.stage), state.progress);

function progress(words, share) {
  show("#progress", true);
  one("#cancel").hidden = page.job === null;
  one("#stage").textContent = `${words} …`;
  one("#bar").value = share;
}

async function answer(job) {
  show("#progress", false);
  page.job = null;
  if (job.status === "failed") return complain(job.problem);
  if (job.status === "canceled") return complain({ title: "Canceled", detail: "The job was stopped as you asked.", parts: [] });
  one("#answer").replaceChildren(...IN_WORDS[job.kind](job.result), ...(await figures(job)), ...warnings(job), downloads(job));
  show("#answer", true);
  one("#answer").focus({ preventScroll: true });
  one("#answer").scrollIntoView({ behavior: "smooth", block: "start" });
}

async function figures(job) {
  return Promise.all(job.links.figures.map(async (path) => {
    const name = caption(decodeURIComponent(path.split("/").pop().replace(/\.png$/, "")));
    const source = URL.createObjectURL(await (await call(path)).blob());
    const link = element("a", { href: source, target: "_blank", title: "Open in full size" }, element("img", { src: source, alt: `${name}: figure of this answer`, loading: "lazy" }));
    return element("figure", {}, link, element("figcaption", {}, name));
  }));
}

function warnings(job) {
  if (job.warnings.length === 0) return [];
  const lines = job.warnings.map((warning) => element("li", {}, element("code", {}, warning.trace ?? warning.part ?? "bundle"), ` ${warning.detail}`));
  return [folded(`${job.warnings.length} remark${job.warnings.length === 1 ? "" : "s"} on the data`, element("ul", { className: "plain" }, lines))];
}

function downloads(job) {
  const link = (format) => {
    const path = `${job.links.result}?format=${format}`;
    return element("a", { href: below(path), download: `${job.kind}-${job.id.slice(0, 8)}.${format === "quakeml" ? "xml" : format}`, onclick: (event) => download(event, path) }, FORMAT_NAMES[format] ?? format);
  };
  return element("p", { className: "downloads" }, "Take it with you: ", ...job.formats.map(link), element("a", { href: below(job.links.self) }, "the whole job"));
}

// A plain link does as long as no key is needed.
async function download(event, path) {
  if (!one("#key").value) return;
  event.preventDefault();
  const { download: name } = event.currentTarget;
  await guarded(async () => element("a", { href: URL.createObjectURL(await (await call(path)).blob()), download: name }).click());
}

function complain(problem) {
  show("#progress", false);
  const parts = (problem.parts ?? []).map((part) => element("li", {}, element("code", {}, part.name), ` ${part.detail}`));
  one("#problem").replaceChildren(
    element("h2", {}, problem.title),
    element("p", {}, sentence(problem.detail ?? "")),
    parts.length > 0 ? element("ul", { className: "plain" }, parts) : "",
    problem.retryable ? element("p", {}, "The same request may succeed in a while.") : "",
  );
  show("#problem", true);
}

async function guarded(work) {
  try {
    await work();
  } catch (error) {
    page.job = null;
    complain(error instanceof Refusal ? error.problem : { title: "That did not work", detail: error.message, parts: [] });
  }
}

function open() {
  const id = new URLSearchParams(location.hash.slice(1)).get("job");
  if (id) guarded(async () => watch(await (await call(`jobs/${encodeURIComponent(id)}`)).json()));
}

for (const radio of document.querySelectorAll("input[name=question]")) radio.addEventListener("change", choose);
one("#ask").addEventListener("submit", ask);
one("#files").addEventListener("change", (event) => { add(event.target.files); event.target.value = ""; });
one("#cancel").addEventListener("click", () => guarded(() => call(page.job.links.self, { method: "DELETE" })));
for (const kind of ["dragenter", "dragover"]) one("#drop").addEventListener(kind, (event) => { event.preventDefault(); one("#drop").classList.add("over"); });
for (const kind of ["dragleave", "drop"]) one("#drop").addEventListener(kind, (event) => { event.preventDefault(); one("#drop").classList.remove("over"); });
one("#drop").addEventListener("drop", (event) => add(event.dataTransfer.files));
choose();
one("#send").disabled = false;
open();
