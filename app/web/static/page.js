// The page: which view is shown (start, job, models), and the way of a job from its submission to its result.

import { appendInSteps, element, folded, one } from "./dom.js";
import { showEvent } from "./event_view.js";
import { showFamilies } from "./families_view.js";
import { EVENT_TYPES, capitalize, eventName, formatCaption, formatCount, formatStage } from "./format.js";
import { showModels } from "./models_view.js";
import { jobAddress, readView } from "./permalink.js";
import { ServiceError, follow, readJson, request, resolve, submit } from "./service.js";
import { chosenFiles, collectForm, listRecentJobs, prepareStart, rememberTitle, selectTask, selectedTask } from "./start.js";

const PATHS = { classify: "events/classify", locate: "events/locate", cluster: "anomalies/cluster" };
const TERMINAL = ["succeeded", "failed", "canceled"];
const FORMAT_NAMES = { json: "JSON", quakeml: "QuakeML", geojson: "GeoJSON", csv: "CSV" };
const SHOW = { classify: showEvent, locate: showEvent, cluster: showFamilies };
const page = { job: null, shown: null };

const setVisible = (selector, visible) => { one(selector).hidden = !visible; };

function showOnly(...selectors) {
  for (const selector of ["#start", "#progress", "#problem", "#result", "#models"]) setVisible(selector, selectors.includes(selector));
}

function submitForm(event) {
  event.preventDefault();
  if (chosenFiles().length === 0) return showProblem({ title: "No files selected", detail: "Select at least one waveform file, or try an example.", parts: [] }, "#start");
  const form = collectForm(); // Before the form is hidden: hidden fields are those of other tasks.
  return send(selectedTask(), async () => form);
}

async function send(task, makeForm) {
  for (const control of document.querySelectorAll("#send, #examples button")) control.disabled = true;
  await showErrors(async () => {
    showOnly("#progress");
    page.job = null;
    showProgress("Uploading", 0);
    await followJob(await submit(PATHS[task], await makeForm(), (fraction) => showProgress("Uploading", fraction)), true);
  }, "#start");
  for (const control of document.querySelectorAll("#send, #examples button")) control.disabled = false;
}

async function followJob(job, isNew) {
  page.job = job;
  if (isNew) history.pushState(null, "", jobAddress(job.id));
  page.shown = viewKey();
  let state = job;
  while (!TERMINAL.includes(state.status)) {
    if (page.job !== job) return;
    showOnly("#progress");
    showState(state);
    // An event stream that a proxy or a restart has cut off is opened again.
    state = (await follow(job.links.events, (now) => page.job === job && showState(now))) ?? (await readJson(`${job.links.self}?wait=5`));
  }
  if (page.job === job) await showJob(state);
}

const showState = (state) => showProgress(formatStage(state.stage), state.progress);

function showProgress(text, fraction) {
  one("#cancel").hidden = page.job === null;
  one("#stage").textContent = `${text} …`;
  one("#bar").value = fraction;
}

async function showJob(job) {
  page.job = null;
  selectTask(job.kind);
  if (job.status === "failed") return showProblem(job.problem, undefined, listWarnings(job));
  if (job.status === "canceled") return showProblem({ title: "Canceled", detail: "The job was canceled and has no result.", parts: [] });
  const { elements, after, title } = await SHOW[job.kind](job), box = element("div");
  one("#result").replaceChildren(box);
  showOnly("#result");
  const headline = describeResult(job, title);
  document.title = `${headline} · Seismic Atlas`;
  rememberTitle(job.id, headline);
  window.scrollTo(0, 0);
  one("#result").focus({ preventScroll: true });
  if (!(await appendInSteps(box, [...elements, () => listWarnings(job), () => listDownloads(job)]))) return;
  await after?.();
  one("#result").dataset.ready = job.id;
}

function describeResult({ kind, result }, title) {
  if (kind === "cluster") return result.structure_found ? `${formatCount(result.k, "family", "families")} in ${formatCount(result.assignments.length, "event")}` : "No significant families";
  if (result.kind === "locate_many") return formatCount(result.events.length, "event");
  return [capitalize(EVENT_TYPES[result.event_type] ?? result.event_type), title].filter(Boolean).join(", ");
}

function listWarnings(job) {
  const shown = job.warnings.filter((warning) => warning.code !== "no-event");
  if (shown.length === 0) return [];
  const lines = shown.map((warning) => element("li", {}, ...describeNamed([warning.part, warning.trace].filter(Boolean).join(" "), warning.detail)));
  return [element("section", { className: "panel" }, element("h3", {}, "Data"), folded(`Warnings (${shown.length})`, () => element("ul", { className: "plain" }, lines)))];
}

// How paths of figures begin: of many events those of the event in view, of which none is without one.
function figurePrefix({ kind, events }) {
  if (kind !== "locate_many") return "/figures/";
  return `/figures/${eventName(events.findIndex(({ event }) => event === readView("event")))}_`;
}

// A name and what is said of it, which may begin with the name.
function describeNamed(name, detail) {
  if (!name) return [capitalize(detail)];
  return [element("code", {}, name), ` ${detail.startsWith(`${name} `) ? detail.slice(name.length + 1) : detail}`];
}

function listDownloads(job) {
  const link = (path, text, name) => element("a", { href: resolve(path), download: name, onclick: (event) => download(event, path) }, text);
  const stem = `${job.kind}-${job.id.slice(0, 8)}`;
  const formats = job.formats.map((format) => link(`${job.links.result}?format=${format}`, FORMAT_NAMES[format] ?? format, `${stem}.${format === "quakeml" ? "xml" : format}`));
  const prefix = figurePrefix(job.result);
  const figures = job.links.figures.filter((path) => path.includes(prefix)).slice(0, 8).map((path) => link(path, formatCaption(decodeURIComponent(path.split(prefix).pop().replace(/\.png$/, ""))), `${stem}-${path.split("/").pop()}`));
  const copy = element("button", { type: "button", className: "quiet", onclick: copyAddress }, "Copy link to this view");
  return element("section", { className: "panel downloads" }, element("h3", {}, "Download"), element("p", {}, formats, job.links.bundle && link(job.links.bundle, "Everything (zip)", `${stem}.zip`), element("a", { href: resolve(job.links.self) }, "Job (JSON)")),
    figures.length > 0 && element("p", {}, element("small", {}, "Figures (PNG):"), figures), copy);
}

async function copyAddress(event) {
  const { target } = event;
  await navigator.clipboard.writeText(location.href).then(() => { target.textContent = "Copied"; }, () => { target.textContent = "The browser refused; copy the address"; });
}

// Without a key, the link itself is enough.
async function download(event, path) {
  if (!one("#key").value) return;
  event.preventDefault();
  const { download: name } = event.currentTarget;
  await showErrors(async () => element("a", { href: URL.createObjectURL(await (await request(path)).blob()), download: name }).click());
}

// A name of a file or of an option at the beginning stays as it is.
const sentence = (text) => (/^(\S*\.\S|[a-z_]+:)/.test(text) ? text : capitalize(text));

async function showProblem(problem, given, warnings = []) {
  page.job = null;
  const beside = given ?? (problem.status === 401 ? "#start" : undefined);
  const parts = (problem.parts ?? []).filter((part) => part.detail !== problem.detail).map((part) => element("li", {}, ...describeNamed(part.name, part.detail)));
  const advice = element("p", { className: "advice" });
  one("#problem").replaceChildren(...[
    element("p", { className: "kicker" }, problem.status ? `Problem ${problem.status}` : "Problem"), element("h2", {}, problem.title), element("p", {}, sentence(problem.detail ?? "")),
    parts.length > 0 && element("ul", { className: "plain" }, parts), ...[warnings].flat(), advice, problem.retryable && element("p", {}, "This may be temporary; try again later."),
    !beside && element("p", {}, element("a", { href: "#" }, "New submission")),
  ].filter(Boolean));
  showOnly("#problem", ...(beside ? [beside] : []));
  document.title = `${problem.title} · Seismic Atlas`;
  window.scrollTo(0, 0);
  one("#problem").focus({ preventScroll: true });
  one("#problem").dataset.ready = "problem";
  if (problem.status === 401) askForKey();
  if (problem.type?.startsWith("/problems/")) {
    const explanation = await readJson(problem.type.slice(1)).catch(() => null);
    if (explanation) advice.append(element("b", {}, "What to do: "), explanation.advice.replaceAll(/\bdetail\b/g, "the text above"), ".");
  }
}

function askForKey() {
  one("#submission details").open = true;
  one("#key").focus();
}

async function showErrors(work, beside) {
  try {
    await work();
  } catch (error) {
    showProblem(error instanceof ServiceError ? error.problem : { title: "Request failed", detail: error.message, parts: [] }, beside);
  }
}

const viewKey = () => (location.hash === "#models" ? "models" : `${readView("job") ?? ""}/${readView("event") ?? ""}`);

async function route() {
  if (page.shown === viewKey()) return;
  page.shown = viewKey();
  page.job = null;
  const id = readView("job");
  if (location.hash === "#models") return showErrors(openModels);
  if (id) return showErrors(async () => followJob(await readJson(`jobs/${encodeURIComponent(id)}`), false));
  document.title = "Seismic Atlas";
  showOnly("#start");
  await listRecentJobs();
}

async function openModels() {
  one("#models").replaceChildren(...(await showModels()));
  showOnly("#models");
  document.title = "Models · Seismic Atlas";
  window.scrollTo(0, 0);
}

one("#key").addEventListener("change", () => { page.shown = null; route(); });
one("#submission").addEventListener("submit", submitForm);
one("#cancel").addEventListener("click", () => showErrors(() => request(page.job.links.self, { method: "DELETE" })));
for (const link of document.querySelectorAll("a[href='./']")) link.addEventListener("click", (event) => { event.preventDefault(); history.pushState(null, "", location.pathname); route(); });
window.addEventListener("hashchange", route);
window.addEventListener("popstate", route);
prepareStart(send);
one("#send").disabled = false;
route();
