// The page of the evidence, in a real Chromium.
"use strict";

const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { after, before, test } = require("node:test");
const { pathToFileURL } = require("node:url");

const axe = require("axe-core");
const { chromium } = require("playwright-core");

const SAMPLES = path.resolve(process.env.PAGE_SAMPLES);
const WIDTHS = [1280, 390];

/** How long a page of 50,000 resources may take to open, in milliseconds. */
const MAX_OPENING = 2000;

/** How large such a page may be, in bytes. */
const MAX_SIZE = 2e6;

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: process.env.PAGE_CHROMIUM, args: ["--no-sandbox"] });
});
after(() => browser.close());

const file = (sample, name = "evidence.html") => path.join(SAMPLES, sample, name);

/** Opens a sample. Whatever it asks for, logs as an error or throws is collected. */
async function open(sample, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const url = pathToFileURL(file(sample)).href;
  const trouble = [];
  page.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) trouble.push(`asks for ${request.url()}`);
  });
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") trouble.push(message.text());
  });
  page.on("pageerror", (error) => trouble.push(String(error)));
  page.on("dialog", (dialog) => trouble.push(`dialog ${dialog.message()}`));
  await page.goto(url, { waitUntil: "load" });
  return { context, page, trouble };
}

/** All text of the page, without the controls that the script adds. */
const textOf = (page) =>
  page.evaluate(() => {
    const body = document.body.cloneNode(true);
    for (const added of body.querySelectorAll("script, .tools, #save button")) added.remove();
    return body.textContent.replace(/\s+/g, " ").trim();
  });

for (const sample of ["minimal", "small", "hostile", "omitted", "large", "index"]) {
  test(`${sample}: no request leaves the page, and nothing in it fails`, async () => {
    const { context, page, trouble } = await open(sample);
    assert.deepEqual(trouble, []);
    await context.close();
  });
}

test("a page that asks for something is caught, and the page's own policy stops it", async () => {
  const { context, page, trouble } = await open("small");
  await page.evaluate(() => {
    const image = document.createElement("img");
    image.src = "http://127.0.0.1:9/picture.png";
    document.body.append(image);
    const script = document.createElement("script");
    script.textContent = "document.title = 'taken'";
    document.body.append(script);
  });
  await page.waitForFunction(() => document.images.length === 1);
  assert.notEqual(await page.title(), "taken");
  assert.ok(trouble.some((what) => what.includes("Content Security Policy")), trouble.join("\n"));
  await context.close();
});

for (const [sample, sum] of [
  ["small", "41 = 32 as wanted"],
  ["hostile", "41 = 34 as wanted"],
  ["omitted", "1,000,291 = 62 as wanted"],
]) {
  test(`${sample}: the text is the same with scripts off`, async () => {
    const on = await open(sample);
    const text = await textOf(on.page);
    await on.context.close();
    // Its script does not run, but the driver's may.
    const off = await open(sample, { javaScriptEnabled: false });
    assert.equal(await off.page.locator(".tools").count(), 0, "scripts are off");
    assert.equal(await textOf(off.page), text);
    assert.ok(text.includes(sum), text.slice(0, 400));
    await off.context.close();
  });
}

for (const colorScheme of ["light", "dark"]) {
  for (const width of WIDTHS) {
    test(`axe finds nothing, ${colorScheme}, ${width} px`, async () => {
      for (const sample of ["minimal", "small", "hostile", "omitted", "index"]) {
        // The page's policy keeps out every script but its own: the rules come in past it.
        const options = { colorScheme, viewport: { width, height: 900 }, bypassCSP: true };
        const { context, page } = await open(sample, options);
        await page.evaluate(() => document.querySelectorAll("details").forEach((part) => (part.open = true)));
        // Sections outside the window are laid out only when they are reached.
        await page.addStyleTag({ content: "main > section { content-visibility: visible !important }" });
        await page.addScriptTag({ content: axe.source });
        const { violations, passes } = await page.evaluate(() => window.axe.run());
        const told = violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).slice(0, 3).join(" ")}`);
        assert.deepEqual(told, [], sample);
        assert.ok(passes.length > 20, `${passes.length} rules passed`);
        await context.close();
      }
    });
  }
}

test("axe finds a picture without a name, so it does look", async () => {
  const { context, page } = await open("minimal", { bypassCSP: true });
  await page.evaluate(() => document.querySelector(".bar title").remove());
  await page.addScriptTag({ content: axe.source });
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(violations.map((it) => it.id), ["svg-img-alt"]);
  await context.close();
});

test("nothing is wider than the screen, and tables scroll by themselves", async () => {
  for (const sample of ["minimal", "small", "hostile", "omitted", "index"]) {
    for (const width of WIDTHS) {
      const { context, page } = await open(sample, { viewport: { width, height: 900 } });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${sample}: ${wide} px on ${width} px`);
      await context.close();
    }
  }
});

test("a page of 50,000 resources opens quickly", async (context) => {
  const { size } = fs.statSync(file("large"));
  const times = [];
  for (let nth = 0; nth < 3; nth += 1) {
    const opened = await open("large");
    times.push(await opened.page.evaluate(() => performance.getEntriesByType("navigation")[0].loadEventEnd));
    await opened.context.close();
  }
  const best = Math.min(...times);
  context.diagnostic(`50,000 resources: ${(size / 1e6).toFixed(1)} MB, opened in ${best.toFixed(0)} ms`);
  assert.ok(size < MAX_SIZE, `${size} bytes`);
  assert.ok(best < MAX_OPENING, `${times} ms`);
});

test("the list of reports has no script, reads the same without any, and leads to every file", async () => {
  const { context, page } = await open("index", { javaScriptEnabled: false });
  const text = await textOf(page);
  await context.close();
  const scripted = await open("index");
  assert.equal(await textOf(scripted.page), text);
  const found = await scripted.page.evaluate(() => ({
    scripts: document.scripts.length,
    handlers: document.querySelectorAll("[onclick], [onload], [onerror]").length,
    rows: document.querySelectorAll("tbody tr").length,
    links: [...document.querySelectorAll("a")].map((link) => link.getAttribute("href")),
    colors: [...document.querySelectorAll("strong")].length,
  }));
  assert.deepEqual([found.scripts, found.handlers, found.rows], [0, 0, 4]);
  assert.equal(found.links.length, 4 * 6);
  assert.ok(found.links.every((link) => /^2026-11-25\/run-\d\/[A-Za-z0-9.]+$/.test(link)), found.links.join(" "));
  assert.ok(text.includes("<script>document.title='taken'</script>"), "the name of a run stays text");
  assert.ok(text.includes("Older reports are not listed."));
  assert.ok(found.colors > 0 && text.includes("not all of it"), "said in words");
  await scripted.context.close();
});

test("the list of reports shows its links in the colors of both schemes", async () => {
  const color = async (colorScheme) => {
    const { context, page } = await open("index", { colorScheme });
    const found = await page.evaluate(() => {
      const of = (element) => getComputedStyle(element);
      return [of(document.body).backgroundColor, of(document.querySelector("td a")).color];
    });
    await context.close();
    return found;
  };
  const [light, dark] = [await color("light"), await color("dark")];
  assert.notEqual(light[0], dark[0]);
  assert.notEqual(light[1], dark[1]);
});

test("a report that lists only a part says so on its first screen", async () => {
  const { context, page } = await open("omitted");
  const first = page.getByText("This report lists 41 of 1,000,291 resources");
  assert.ok((await first.boundingBox()).y < 900);
  await context.close();
});

test("hostile names stay text", async () => {
  const { context, page } = await open("hostile");
  assert.match(await page.title(), /^Flow log evidence, /);
  const found = await page.evaluate(() => ({
    scripts: document.scripts.length,
    images: document.images.length,
    bold: document.querySelectorAll("td b, th b, td i, th i").length,
    names: [...document.querySelectorAll(".name")].map((name) => name.textContent),
  }));
  assert.deepEqual([found.scripts, found.images, found.bold], [2, 0, 0]);
  assert.ok(found.names.includes("<script>document.title='taken'</script>"));
  assert.ok(found.names.includes("深".repeat(128)));
  assert.ok(found.names.some((name) => name === "paymentsU+202Edorp-"), "a direction mark is shown, and has no effect");
  await context.close();
});

test("the JSON in the page is the JSON file, to the byte, and its digest is the seal", async () => {
  for (const sample of ["small", "hostile"]) {
    const { context, page } = await open(sample, { acceptDownloads: true });
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save button")]);
    const saved = fs.readFileSync(await download.path());
    assert.ok(saved.equals(fs.readFileSync(file(sample, "evidence.json"))), sample);
    const seal = await page.textContent("#seal .hash");
    assert.equal(crypto.createHash("sha256").update(saved).digest("hex"), seal);
    await context.close();
  }
});

test("the filter hides rows, and sorting reorders them", async () => {
  const { context, page } = await open("small");
  await page.fill("#filter", "partner-link");
  const shown = await page.locator("#findings tbody tr:visible").count();
  assert.equal(shown, 1);
  assert.match(await page.textContent(".tools [role=status]"), /^\d+ of \d+ rows$/);
  await page.fill("#filter", "");
  const first = () => page.locator("#findings tbody .name").first().textContent();
  assert.equal(await first(), "partner-link", "the worst comes first");
  await page.click("#findings thead button >> nth=0");
  assert.equal(await first(), "ingest");
  assert.equal(await page.getAttribute("#findings thead th", "aria-sort"), "ascending");
  await page.click("#findings thead button >> nth=0");
  assert.equal(await first(), "web-prod-dev");
  await context.close();
});

test("on paper, everything is unfolded, with scripts and without", async () => {
  for (const javaScriptEnabled of [true, false]) {
    const { context, page } = await open("small", { javaScriptEnabled });
    const quiet = page.locator("#quiet tbody tr").first();
    assert.equal(await quiet.isVisible(), false, "folded on the screen");
    await page.emulateMedia({ media: "print" });
    assert.ok((await quiet.boundingBox()).height > 10, "unfolded on paper");
    assert.equal(await page.locator("nav").isVisible(), false);
    await context.close();
  }
});

test("the keyboard reaches the findings first", async () => {
  const { context, page } = await open("small");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the findings");
  await page.keyboard.press("Enter");
  assert.match(page.url(), /#findings$/);
  await context.close();
});

test("pictures at two widths", async () => {
  const folder = process.env.PAGE_PICTURES ?? path.join(SAMPLES, "..");
  for (const [width, height] of [[1280, 980], [390, 780]]) {
    const { context, page } = await open("small", { viewport: { width, height } });
    const picture = path.join(folder, `evidence-${width}.png`);
    await page.screenshot({ path: picture });
    assert.ok(fs.statSync(picture).size > 10_000, picture);
    await context.close();
  }
});
