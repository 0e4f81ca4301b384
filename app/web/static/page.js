// The page: choose files and options, submit them, follow the job, show its result.

import { element, folded, one } from "./dom.js";
import { SHOW_RESULT, capitalize, formatCaption, formatStage } from "./results.js";
import { ServiceError, follow, request, resolve, submit } from "./service.js";

const PATHS = { classify: "events/classify", locate: "events/locate", cluster: "anomalies/cluster" };
const TERMINAL = ["succeeded", "failed", "canceled"];
const FORMAT_NAMES = { json: "JSON", quakeml: "QuakeML", geojson: "GeoJSON", csv: "CSV" };
const page = { files: [], job: null };

const selectedTask = () => one("input[name=task]:checked").value;
const setVisible = (selector, visible) => { one(selector).hidden = !visible; };

function showFields() {
  for (const field of document.querySelectorAll("[data-for]")) field.hidden = !field.dataset.for.split(" ").includes(selectedTask());
}

function addFiles(files) {
  for (const file of files) if (!page.files.some((other) => other.name === file.name && other.size === file.size)) page.files.push(file);
  listFiles();
}

function removeFile(file) {
  page.files = page.files.filter((other) => other !== file);
  listFiles();
}

function listFiles() {
  one("#chosen").replaceChildren(...page.files.map((file) => {
    const remove = element("button", { type: "button", ariaLabel: `Remove ${file.name}`, onclick: () => removeFile(file) }, "✕");
    return element("li", {}, `${file.name} `, element("small", {}, formatSize(file.size)), remove);
  }));
}

function formatSize(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  const step = bytes < 1 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** step).toFixed(step ? 1 : 0)} ${units[step]}`;
}

function collectForm() {
  const data = new FormData();
  for (const field of document.querySelectorAll(".options [name]")) {
    const applies = !field.closest("[hidden]") && (field.type !== "checkbox" || field.checked);
    if (applies && field.value !== "") data.append(field.name, field.value);
  }
  for (const file of page.files) data.append("bundle", file, file.name);
  return data;
}

async function submitForm(event) {
  event.preventDefault();
  for (const selector of ["#problem", "#result"]) setVisible(selector, false);
  if (page.files.length === 0) return showProblem({ title: "No files selected", detail: "Select at least one waveform file.", parts: [] });
  one("#send").disabled = true;
  await showErrors(async () => {
    showProgress("Uploading", 0);
    await followJob(await submit(PATHS[selectedTask()], collectForm(), (fraction) => showProgress("Uploading", fraction)));
  });
  one("#send").disabled = false;
}

async function followJob(job) {
  page.job = job;
  history.replaceState(null, "", `#job=${job.id}`);
  let state = job;
  while (!TERMINAL.includes(state.status)) {
    showState(state);
    // An event stream that a proxy or a restart has cut off is opened again.
    state = (await follow(job.links.events, showState)) ?? (await (await request(`${job.links.self}?wait=5`)).json());
  }
  await showJob(state);
}

const showState = (state) => showProgress(formatStage(state.stage), state.progress);

function showProgress(text, fraction) {
  setVisible("#progress", true);
  one("#cancel").hidden = page.job === null;
  one("#stage").textContent = `${text} …`;
  one("#bar").value = fraction;
}

async function showJob(job) {
  setVisible("#progress", false);
  page.job = null;
  if (job.status === "failed") return showProblem(job.problem);
  if (job.status === "canceled") return showProblem({ title: "Canceled", detail: "The job was canceled and has no result.", parts: [] });
  one("#result").replaceChildren(...SHOW_RESULT[job.kind](job.result, job.warnings), ...(await loadFigures(job)), ...listWarnings(job), listDownloads(job));
  setVisible("#result", true);
  one("#result").focus({ preventScroll: true });
  one("#result").scrollIntoView({ behavior: "smooth", block: "start" });
}

async function loadFigures(job) {
  return Promise.all(job.links.figures.map(async (path) => {
    const caption = formatCaption(decodeURIComponent(path.split("/").pop().replace(/\.png$/, "")));
    const source = URL.createObjectURL(await (await request(path)).blob());
    const link = element("a", { href: source, target: "_blank", title: "Open in full size" }, element("img", { src: source, alt: caption, loading: "lazy" }));
    return element("figure", {}, link, element("figcaption", {}, caption));
  }));
}

function listWarnings(job) {
  if (job.warnings.length === 0) return [];
  const lines = job.warnings.map((warning) => element("li", {}, element("code", {}, warning.trace ?? warning.part ?? "bundle"), ` ${warning.detail}`));
  return [folded(`Data warnings (${job.warnings.length})`, element("ul", { className: "plain" }, lines))];
}

function listDownloads(job) {
  const link = (format) => {
    const path = `${job.links.result}?format=${format}`;
    const name = `${job.kind}-${job.id.slice(0, 8)}.${format === "quakeml" ? "xml" : format}`;
    return element("a", { href: resolve(path), download: name, onclick: (event) => download(event, path) }, FORMAT_NAMES[format] ?? format);
  };
  return element("p", { className: "downloads" }, "Download:", ...job.formats.map(link), element("a", { href: resolve(job.links.self) }, "Job (JSON)"));
}

// Without a key, the link itself is enough.
async function download(event, path) {
  if (!one("#key").value) return;
  event.preventDefault();
  const { download: name } = event.currentTarget;
  await showErrors(async () => element("a", { href: URL.createObjectURL(await (await request(path)).blob()), download: name }).click());
}

function showProblem(problem) {
  setVisible("#progress", false);
  const parts = (problem.parts ?? []).map((part) => element("li", {}, element("code", {}, part.name), ` ${part.detail}`));
  one("#problem").replaceChildren(
    element("h2", {}, problem.title),
    element("p", {}, capitalize(problem.detail ?? "")),
    parts.length > 0 ? element("ul", { className: "plain" }, parts) : "",
    problem.retryable ? element("p", {}, "This may be temporary; try again later.") : "",
  );
  setVisible("#problem", true);
}

async function showErrors(work) {
  try {
    await work();
  } catch (error) {
    page.job = null;
    showProblem(error instanceof ServiceError ? error.problem : { title: "Request failed", detail: error.message, parts: [] });
  }
}

function openLinkedJob() {
  const id = new URLSearchParams(location.hash.slice(1)).get("job");
  if (id) showErrors(async () => followJob(await (await request(`jobs/${encodeURIComponent(id)}`)).json()));
}

for (const radio of document.querySelectorAll("input[name=task]")) radio.addEventListener("change", showFields);
one("#submission").addEventListener("submit", submitForm);
one("#files").addEventListener("change", (event) => { addFiles(event.target.files); event.target.value = ""; });
one("#cancel").addEventListener("click", () => showErrors(() => request(page.job.links.self, { method: "DELETE" })));
for (const kind of ["dragenter", "dragover"]) one("#drop").addEventListener(kind, (event) => { event.preventDefault(); one("#drop").classList.add("over"); });
for (const kind of ["dragleave", "drop"]) one("#drop").addEventListener(kind, (event) => { event.preventDefault(); one("#drop").classList.remove("over"); });
one("#drop").addEventListener("drop", (event) => addFiles(event.dataTransfer.files));
showFields();
one("#send").disabled = false;
openLinkedJob();
