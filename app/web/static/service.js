// Talking to the service: every call carries the API key where one is given, so nothing is linked that needs a header.

import { one } from "./dom.js";

const headers = () => (one("#key").value ? { "X-API-Key": one("#key").value } : {});
// Links of the service begin with the prefix that a proxy may have put before it; the page lies at that prefix.
export const below = (path) => new URL(path, location.href).href;

export class Refusal extends Error {
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

async function refusal(answer) {
  const said = await answer.json().catch(() => ({}));
  return new Refusal({ title: `The service answered ${answer.status}`, detail: "", parts: [], ...said });
}

export async function call(path, options = {}) {
  const answer = await fetch(below(path), { ...options, headers: headers() });
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

// XMLHttpRequest, for fetch does not tell how much of an upload has been sent.
export function submit(path, form, sent) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", below(path));
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.upload.onprogress = (event) => event.lengthComputable && sent(event.loaded / event.total);
    request.onload = () => (request.status < 300 ? resolve(request.response) : reject(new Refusal({ title: `The service answered ${request.status}`, parts: [], ...request.response })));
    request.onerror = () => reject(new Error("The service does not answer."));
    request.send(form);
  });
}

// Server-sent events by fetch, for EventSource cannot send a key. Calls `told` at each step, returns the job at its end.
export async function follow(path, told) {
  const answer = await call(path);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    text += read.value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const event of blocks.map(parsed)) {
      if (event.name === "job") return event.data;
      if (event.name === "progress") told(event.data);
    }
  }
  return null;
}

function parsed(block) {
  const fields = Object.fromEntries(block.split("\n").filter((line) => !line.startsWith(":")).map((line) => line.split(/: (.*)/s, 2)));
  return { name: fields.event, data: fields.data ? JSON.parse(fields.data) : null };
}
