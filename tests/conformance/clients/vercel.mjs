// Takes Vercel's AI SDK and its ByteDance provider through the life of some tasks:
// `vercel.mjs FOLDER_WITH_NODE_MODULES BASE_URL KEY`. It prints what the SDK made of each answer as
// JSON lines. The SDK creates and reads; it has no list and no delete.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, base, key] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${folder}/package.json`));
const { experimental_generateVideo: generateVideo } = require("ai");
const { createByteDance } = require("@ai-sdk/bytedance");

globalThis.AI_SDK_LOG_WARNINGS = false;
const FAST = "dreamina-seedance-2-0-fast-260128";
const quick = { bytedance: { pollIntervalMs: 20, pollTimeoutMs: 20000 } };
const clips = [];

const say = (step, facts) => process.stdout.write(`${JSON.stringify({ step, ...facts })}\n`);

async function download({ url }) {
  clips.push(url.href);
  const answer = await fetch(url);
  return { data: new Uint8Array(await answer.arrayBuffer()), mediaType: answer.headers.get("content-type") };
}

function made(prompt, { apiKey = key, model = FAST, options = {}, ...more } = {}) {
  const provider = createByteDance({ apiKey, baseURL: base });
  return generateVideo({
    model: provider.video(model),
    prompt,
    resolution: "864x496",
    duration: 4,
    maxRetries: 0,
    download,
    providerOptions: { bytedance: { ...quick.bytedance, ...options } },
    ...more,
  });
}

async function tried(step, call) {
  try {
    const { video, providerMetadata } = await call();
    const facts = providerMetadata.bytedance ?? {};
    const size = video.uint8Array.length > 10000;
    say(step, { clip: video.mediaType, whole: size, tokens: facts.usage?.completion_tokens });
  } catch (error) {
    const inner = error.cause?.name ? error.cause : error;
    const said = inner.responseBody ? JSON.parse(inner.responseBody).error : {};
    const words = said.code ? {} : { message: inner.message.slice(0, 40) };
    say(step, { raised: inner.name, status: inner.statusCode, code: said.code, param: said.param, ...words });
  }
}

const picture = Uint8Array.from(Buffer.from(process.env.PICTURE, "base64"));
await tried("text", () => made("a kite", { aspectRatio: "16:9" }));
await tried("start image", () => made({ image: picture, text: "it moves" }));
const end = { lastFrameImage: `data:image/png;base64,${process.env.PICTURE}` };
await tried("start and end image", () => made({ image: picture, text: "it moves" }, { options: end }));
const references = {
  referenceImages: ["https://cdn.example.org/hero.png"],
  referenceVideos: [clips[0]],
};
await tried("references", () => made("Image 1 walks past Video 1", { options: references }));
await tried("an option that nobody knows", () => made("a kite", { options: { priority: 3, nonsense: 1 } }));
await tried("failed", () => made("[sim:fail=OutputVideoSensitiveContentDetected] a kite"));
await tried("bad key", () => made("a kite", { apiKey: "wrong" }));
await tried("unknown model", () => made("a kite", { model: "seedance-9" }));
await tried("bad parameter", () => made("a kite", { duration: 99 }));
await tried("moderated", () => made("[sim:refuse] a kite"));
await tried("one failed read", () => made("[sim:poll-500] a kite, never again"));
const count = async (words) => {
  const ledger = await (await fetch(new URL("/sim/ledger", base))).json();
  return ledger.tasks.filter((task) => task.prompt.includes(words)).length;
};
say("tasks after one failed read, without retries", { tasks: await count("never again") });
await tried("one failed read, with retries", () => made("[sim:poll-500] a kite, once more", { maxRetries: 1 }));
say("tasks after one failed read, with retries", { tasks: await count("once more") });
