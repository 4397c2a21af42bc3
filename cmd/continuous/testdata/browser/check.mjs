// Looks at the status page in a browser, which no Go test does, while it is served:
//
//	go run ./cmd/continuous data &
//	npm install --prefix /tmp/browser playwright-core
//	NODE_PATH=/tmp/browser/node_modules CHROMIUM=/usr/bin/chromium \
//		node cmd/continuous/testdata/browser/check.mjs http://127.0.0.1:8766/ pictures
//
// On a wide and a narrow screen, light and dark, it fails if anything sticks out to the
// side, if text has too little contrast (WCAG 2.1: 4.5 to 1) or is smaller than 9 pixels, if
// anything is asked for from elsewhere, if the console has an error, or if a link leads
// nowhere. It opens every interleaving, and leaves pictures in the directory.
import {createRequire} from "node:module";
import path from "node:path";
import process from "node:process";

const {chromium} = createRequire(import.meta.url)("playwright-core");

const screens = [
	{name: "wide", viewport: {width: 1920, height: 1080}},
	{name: "middle", viewport: {width: 1440, height: 900}},
	{name: "dark", viewport: {width: 1550, height: 900}, colorScheme: "dark"},
	{name: "phone", viewport: {width: 390, height: 844}},
	{name: "phone-dark", viewport: {width: 320, height: 640}, colorScheme: "dark"},
];

// faint returns the texts that are hard to read, as the browser draws them.
const faint = () => {
	const rgb = (text) => text.match(/[\d.]+/g).map(Number);
	const light = (c) => {
		const [r, g, b] = c.slice(0, 3).map((v) => v / 255)
			.map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const ground = (e) => {
		for (; e; e = e.parentElement) {
			const c = rgb(getComputedStyle(e).backgroundColor);
			if (c.length < 4 || c[3] > 0) {
				return c;
			}
		}
		return [255, 255, 255];
	};
	const bad = [];
	for (const e of document.querySelectorAll("body *")) {
		const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
		if (!own || !e.getClientRects().length || e.tagName === "title") {
			continue;
		}
		const style = getComputedStyle(e);
		const drawn = e.ownerSVGElement
			? e.getBoundingClientRect().height / 1.3 : parseFloat(style.fontSize);
		const [a, b] = [rgb(e.ownerSVGElement ? style.fill : style.color), ground(e)].map(light);
		const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (contrast < 4.5 || drawn < 9) {
			bad.push(e.textContent.trim().slice(0, 30) + ": contrast " + contrast.toFixed(1) +
				", " + drawn.toFixed(1) + " pixels");
		}
	}
	return bad;
};

async function check(browser, url, dir, screen) {
	const problems = [];
	const context = await browser.newContext(screen);
	const page = await context.newPage();
	page.on("console", (m) => m.type() === "error" && problems.push(m.text()));
	page.on("pageerror", (e) => problems.push(String(e)));
	page.on("request", (r) => r.url().startsWith(url) || problems.push("asks for " + r.url()));
	await page.goto(url);
	for (const details of await page.$$("details > summary")) {
		await details.click();
	}
	const out = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
	if (out > 0) {
		problems.push(out + " pixels stick out");
	}
	problems.push(...await page.evaluate(faint));
	if (!await page.$("svg.plot polyline")) {
		problems.push("no plot");
	}
	await page.screenshot({path: path.join(dir, "status-" + screen.name + ".png"), fullPage: true});
	const links = await page.$$eval("a[href]", (all) => all.map((a) => a.href));
	for (const link of new Set(links)) {
		const res = await context.request.get(link);
		if (!res.ok()) {
			problems.push(link + ": " + res.status());
		}
	}
	const report = links.find((l) => l.endsWith("/report.html"));
	if (report) {
		await page.goto(report);
		await page.keyboard.press("j");
		if (!await page.$("#steps tr.step")) {
			problems.push(report + " has no steps");
		}
	}
	await context.close();
	return problems;
}

const [url, dir] = process.argv.slice(2);
const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"],
});
let failed = false;
for (const screen of screens) {
	for (const problem of await check(browser, url, dir, screen)) {
		console.log(screen.name + ": " + problem);
		failed = true;
	}
}
await browser.close();
process.exit(failed ? 1 : 0);
