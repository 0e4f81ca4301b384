// The page: which view is shown (start, job, models), and the way of a job from its submission to its result.

import { appendInSteps, element, folded, one } from "./dom.js";
import { showEvent } from "./event_view.js";
import { showFamilies } from "./families_view.js";
import { capitalize, describeResult, eventName, formatCaption, formatStage } from "./format.js";
import { showModels } from "./models_view.js";
import { jobAddress, readView } from "./permalink.js";
import { ServiceError, follow, readJson, request, resolve, submit } from "./service.js";
import { chosenFiles, collectForm, findUnreadable, listRecentJobs, prepareStart, rememberTitle, selectTask, selectedTask } from "./start.js";

const PATHS = { classify: "events/classify", locate: "events/locate", cluster: "anomalies/cluster" };
const TERMINAL = ["succeeded", "failed", "canceled"];
const FORMAT_NAMES = { json: "JSON", quakeml: "QuakeML", geojson: "GeoJSON", csv: "CSV" };
const SHOW = { classify: showEvent, locate: showEvent, cluster: showFamilies };
const RETRIED = [429, 502, 503, 504];
const RETRY_MS = 3000;
const page = { job: null, shown: null, leaving: new AbortController() };

const setVisible = (selector, visible) => { one(selector).hidden = !visible; };

function showOnly(...selectors) {
  for (const selector of ["#start", "#progress", "#problem", "#result", "#models"]) setVisible(selector, selectors.includes(selector));
}

function submitForm(event) {
  event.preventDefault();
  if (chosenFiles().length === 0) return showProblem({ title: "No files selected", detail: "Select at least one waveform file, or try an example.", parts: [] }, "#start");
  const unreadable = findUnreadable();
  if (unreadable) return showProblem({ title: "Not a number", detail: `${unreadable} (Options) is not a number. Enter one with a decimal point, or leave the field empty.`, parts: [] }, "#start");
  const form = collectForm(); // Before the form is hidden: hidden fields are those of other tasks.
  return send(selectedTask(), async () => form);
}

// Ends what the view before waits for, an upload or a stream of events, and returns the signal that ends the next.
function leaveView() {
  page.leaving.abort();
  page.leaving = new AbortController();
  page.job = null;
  return page.leaving.signal;
}

async function send(task, makeForm) {
  const controls = document.querySelectorAll("#send, #examples button"), signal = leaveView();
  for (const control of controls) control.disabled = true;
  page.shown = null; // Links of the page lead away from an upload, too.
  showOnly("#progress");
  showProgress("Uploading", 0);
  const job = await showErrors(async () => submit(PATHS[task], await makeForm(), (fraction) => showProgress("Uploading", fraction), signal), "#start");
  for (const control of controls) control.disabled = false;
  if (job && !signal.aborted) await showErrors(() => followJob(job, true));
}

async function followJob(job, isNew) {
  const signal = leaveView();
  page.job = job;
  if (isNew) history.pushState(null, "", jobAddress(job.id));
  page.shown = viewKey();
  let state = job;
  if (!TERMINAL.includes(state.status)) {
    showOnly("#progress");
    showState(state);
  }
  while (!TERMINAL.includes(state.status)) state = await awaitState(job, state, signal);
  await showJob(state, signal);
}

// The job at its end; as it was before, where the service does not answer for now: jobs outlast its restarts.
async function awaitState(job, before, signal) {
  try {
    // An event stream that a proxy or a restart has cut off is opened again.
    return (await follow(job.links.events, showState, signal)) ?? (await readJson(`${job.links.self}?wait=5`, signal));
  } catch (error) {
    if (signal.aborted || (error instanceof ServiceError && !RETRIED.includes(error.status))) throw error;
    showProgress("The service does not respond; trying again", before.progress);
    await new Promise((accept) => setTimeout(accept, RETRY_MS));
    return before;
  }
}

const showState = (state) => showProgress(formatStage(state.stage), state.progress);

function showProgress(text, fraction) {
  one("#stage").textContent = `${text} …`;
  one("#bar").value = fraction;
}

async function showJob(job, signal) {
  page.job = null;
  selectTask(job.kind);
  if (job.status === "failed") return showProblem(job.problem, undefined, listWarnings(job));
  if (job.status === "canceled") return showProblem({ title: "Canceled", detail: "The job was canceled and has no result.", parts: [] });
  const { elements, after, title } = await SHOW[job.kind](job), box = element("div");
  if (signal.aborted) return;
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

// Whether a part is of an event: its name is that of a folder, or of the file but for its ending.
const isOf = (part, event) => part.split("/").some((step) => step === event || step.startsWith(`${event}.`));

// Warnings without those of other events than the one in view.
function selectWarnings({ warnings, result }, event) {
  const others = event && result?.kind === "locate_many" ? result.events.map((one) => one.event).filter((name) => name !== event) : [];
  return warnings.filter(({ code, part }) => code !== "no-event" && (!part || isOf(part, event) || !others.some((name) => isOf(part, name))));
}

function listWarnings(job) {
  const shown = selectWarnings(job, readView("event"));
  if (shown.length === 0) return [];
  const lines = shown.map((warning) => element("li", {}, ...describeNamed([warning.part, warning.trace].filter(Boolean).join(" "), warning.detail)));
  return [element("section", { className: "panel" }, element("h3", {}, "Data"), folded(`Warnings (${shown.length})`, () => element("ul", { className: "plain" }, lines)))];
}

// How paths of figures begin: of many events those of the event in view, of which none is without one.
function figurePrefix({ kind, events }) {
  if (kind !== "locate_many") return "/figures/";
  return `/figures/${eventName(events.findIndex(({ event }) => event === readView("event")))}_`;
}

const PREDICATE = /^(is|are|has|have|holds?|describes?|cannot|contains?|was|were) /;

// A name and what is said of it, which may begin with the name or be a predicate of it.
function describeNamed(name, detail) {
  if (!name) return [capitalize(detail)];
  return [element("code", {}, name), detail.startsWith(`${name} `) ? detail.slice(name.length) : `${PREDICATE.test(detail) ? "" : ":"} ${detail}`];
}

function listDownloads(job) {
  const link = (path, text, name) => element("a", { href: resolve(path), download: name, onclick: (event) => download(event, path) }, text);
  const stem = `${job.kind}-${job.id.slice(0, 8)}`;
  const formats = job.formats.map((format) => link(`${job.links.result}?format=${format}`, FORMAT_NAMES[format] ?? format, `${stem}.${format === "quakeml" ? "xml" : format}`));
  const prefix = figurePrefix(job.result);
  const figures = job.links.figures.filter((path) => path.includes(prefix)).slice(0, 8).map((path) => link(path, formatCaption(decodeURIComponent(path.split(prefix).pop().replace(/\.png$/, ""))), `${stem}-${path.split("/").pop()}`));
  const copy = element("button", { type: "button", className: "quiet", onclick: copyAddress }, "Copy link to this view");
  return element("section", { className: "panel downloads" }, element("h3", {}, "Download"), element("p", {}, formats, job.links.bundle && link(job.links.bundle, "Everything (zip)", `${stem}.zip`), link(job.links.self, "Job (JSON)", `${stem}-job.json`)),
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
const sentence = (text) => (/^(\S*\.\S|[a-z_]+(:| \())/.test(text) ? text : capitalize(text));

async function showProblem(problem, given, warnings = []) {
  leaveView();
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
    return await work();
  } catch (error) {
    if (error.name !== "AbortError") showProblem(error instanceof ServiceError ? error.problem : { title: "Request failed", detail: error.message, parts: [] }, beside);
  }
}

// Cancels a job, or an upload before there is one.
function cancel() {
  if (page.job === null) return route();
  // A job that has just ended is shown.
  return showErrors(() => request(page.job.links.self, { method: "DELETE" }).catch((error) => { if (error.status !== 409) throw error; }));
}

const viewKey = () => (location.hash === "#models" ? "models" : `${readView("job") ?? ""}/${readView("event") ?? ""}`);

async function route() {
  if (page.shown === viewKey()) return;
  page.shown = viewKey();
  const id = readView("job"), signal = leaveView();
  if (location.hash === "#models") return showErrors(() => openModels(signal));
  if (id) return showErrors(async () => followJob(await readJson(`jobs/${encodeURIComponent(id)}`, signal), false));
  document.title = "Seismic Atlas";
  showOnly("#start");
  await listRecentJobs();
}

async function openModels(signal) {
  const cards = await showModels();
  if (signal.aborted) return;
  one("#models").replaceChildren(...cards);
  showOnly("#models");
  document.title = "Models · Seismic Atlas";
  window.scrollTo(0, 0);
}

one("#key").addEventListener("change", () => { page.shown = null; route(); });
// Enter in the field of the key submits nothing as long as there are no files.
one("#key").addEventListener("keydown", (event) => { if (event.key === "Enter" && chosenFiles().length === 0) { event.preventDefault(); event.target.blur(); } });
one("#submission").addEventListener("submit", submitForm);
one("#cancel").addEventListener("click", cancel);
for (const link of document.querySelectorAll("a[href='./']")) link.addEventListener("click", (event) => { event.preventDefault(); history.pushState(null, "", location.pathname); route(); });
window.addEventListener("hashchange", route);
window.addEventListener("popstate", route);
prepareStart(send);
one("#send").disabled = false;
route();
