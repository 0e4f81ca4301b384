// The start of the page: the form of a submission, examples, and recent jobs.

import { element, one } from "./dom.js";
import { KINDS, describeResult, formatAge, formatSize } from "./format.js";
import { jobAddress } from "./permalink.js";
import { readJson, request } from "./service.js";

const SHOWN_JOBS = 8;
const TITLES_KEY = "atlas-titles";
const EXAMPLES = [
  ["earthquake", "locate", "Tectonic earthquake", "Where, when and how deep: a synthetic earthquake off Honshu"],
  ["glacial", "locate", "Glacial earthquake", "A calving glacier in Greenland, with the direction of its force"],
  ["noise", "locate", "Noise", "Records without an event"],
  ["anomalies", "cluster", "Families", "Thirty unlabeled events of three kinds"],
];
const chosen = { files: [] };

export const selectedTask = () => one("input[name=task]:checked").value;
export const chosenFiles = () => chosen.files;

export function selectTask(task) {
  one(`input[name=task][value=${task}]`).checked = true;
  showFields();
}

function showFields() {
  for (const field of document.querySelectorAll("[data-for]")) field.hidden = !field.dataset.for.split(" ").includes(selectedTask());
}

function addFiles(files) {
  for (const file of files) if (!chosen.files.some((other) => other.name === file.name && other.size === file.size)) chosen.files.push(file);
  listFiles();
}

function removeFile(file) {
  chosen.files = chosen.files.filter((other) => other !== file);
  listFiles();
}

function listFiles() {
  one("#chosen").replaceChildren(...chosen.files.map((file) => {
    const remove = element("button", { type: "button", ariaLabel: `Remove ${file.name}`, onclick: () => removeFile(file) }, "✕");
    return element("li", {}, `${file.name} `, element("small", {}, formatSize(file.size)), remove);
  }));
}

const optionFields = () => [...document.querySelectorAll(".options [name]")].filter((field) => !field.closest("[hidden]"));

// The label of a field in which no number can be read, and whose value is therefore empty.
export const findUnreadable = () => optionFields().find((field) => field.validity.badInput)?.closest("label").firstChild.textContent.trim();

// The fields that apply to the task, and the files.
export function collectForm() {
  const data = new FormData();
  for (const field of optionFields()) if ((field.type !== "checkbox" || field.checked) && field.value !== "") data.append(field.name, field.value);
  for (const file of chosen.files) data.append("bundle", file, file.name);
  return data;
}

// `submitExample(task, form)` submits the bundle of an example.
export function prepareStart(submitExample) {
  for (const radio of document.querySelectorAll("input[name=task]")) radio.addEventListener("change", showFields);
  one("#files").addEventListener("change", (event) => { addFiles(event.target.files); event.target.value = ""; });
  for (const kind of ["dragenter", "dragover"]) one("#drop").addEventListener(kind, (event) => { event.preventDefault(); one("#drop").classList.add("over"); });
  for (const kind of ["dragleave", "drop"]) one("#drop").addEventListener(kind, (event) => { event.preventDefault(); one("#drop").classList.remove("over"); });
  one("#drop").addEventListener("drop", (event) => addFiles(event.dataTransfer.files));
  one("#examples").replaceChildren(...EXAMPLES.map(([name, task, title, text]) => element("li", {}, element("button", { type: "button", className: "row", onclick: () => openExample(name, task, submitExample) }, element("b", {}, title), element("small", {}, text)))));
  showFields();
  // What a browser restores of the form, when its user comes back to the page, is seen before it is sent.
  window.addEventListener("pageshow", () => {
    showFields();
    if ([...optionFields(), one("#key")].some((field) => (field.type === "checkbox" ? field.checked : field.value !== ""))) one("#submission details").open = true;
  });
}

function openExample(name, task, submitExample) {
  selectTask(task);
  return submitExample(task, async () => {
    const form = new FormData();
    form.append("bundle", await (await request(`examples/${name}.zip`)).blob(), `${name}.zip`);
    return form;
  });
}

const readTitles = () => {
  try {
    return JSON.parse(localStorage.getItem(TITLES_KEY)) ?? {};
  } catch {
    return {};
  }
};

// Remembers in this browser what a job found, as the list of jobs holds no results.
export function rememberTitle(id, title) {
  const titles = Object.entries({ ...readTitles(), [id]: title }).slice(-100);
  try {
    localStorage.setItem(TITLES_KEY, JSON.stringify(Object.fromEntries(titles)));
  } catch { /* Storage may be switched off; the list then shows names of files. */ }
}

export async function listRecentJobs() {
  const list = one("#recent");
  try {
    const { jobs } = await readJson(`jobs?limit=${SHOWN_JOBS}`), titles = readTitles();
    list.replaceChildren(...jobs.map((job) => element("li", {}, element("a", { className: "row", href: jobAddress(job.id) },
      element("b", {}, titles[job.id] ?? job.parts.join(", ")), element("small", {}, `${KINDS[job.kind]} · ${describeStatus(job)} · ${formatAge(job.created_at)}`)))));
    nameJobs(jobs.filter((job) => job.status === "succeeded" && !titles[job.id]));
    if (jobs.length === 0) list.replaceChildren(element("li", { className: "quiet" }, "No jobs yet. Submit records, or try an example."));
  } catch (error) {
    list.replaceChildren(element("li", { className: "quiet" }, error.status === 401 ? "Enter an API key (Options) to see your jobs." : "The list of jobs is not available now."));
  }
}

// Reads what the other jobs found, one after the other, so that the list names places and not files.
async function nameJobs(jobs) {
  for (const job of jobs) {
    const title = await readTitle(job).catch(() => null);
    const line = one(`#recent a[href="${jobAddress(job.id)}"] b`);
    if (title === null || line === null) continue;
    rememberTitle(job.id, title);
    line.textContent = title;
  }
}

async function readTitle(job) {
  const { result } = await readJson(job.links.self);
  if (!result.epicenter) return describeResult({ kind: job.kind, result }, null);
  const { features } = await readJson(`${job.links.result}?format=geojson`);
  return describeResult({ kind: job.kind, result }, features.find(({ properties }) => properties.kind === "epicenter")?.properties.place);
}

const describeStatus = (job) => (job.status === "failed" ? job.problem?.title ?? "Failed" : { succeeded: "Finished", canceled: "Canceled", queued: "Queued", running: "Running" }[job.status]);
