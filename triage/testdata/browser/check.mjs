// Looks at pages of WriteHTML in a browser, which no Go test does:
//
//	go run ./cmd/minimize -format html FILE > /tmp/page.html
//	npm install --prefix /tmp/browser playwright-core
//	NODE_PATH=/tmp/browser/node_modules CHROMIUM=/usr/bin/chromium \
//		node triage/testdata/browser/check.mjs /tmp/page.html
//
// It steps through every page with the keyboard, forward and back, on a wide and a narrow
// screen, light and dark, and with scripts off, and fails if the state shown is not that
// of the step, if anything sticks out to the side, or if the console has an error.
// Pictures are left beside the page.
import {createRequire} from "node:module";
import path from "node:path";
import process from "node:process";

const {chromium} = createRequire(import.meta.url)("playwright-core");

const screens = [
	{name: "wide", viewport: {width: 1440, height: 900}},
	{name: "dark", viewport: {width: 1440, height: 900}, colorScheme: "dark"},
	{name: "phone", viewport: {width: 390, height: 844}},
	{name: "plain", viewport: {width: 1024, height: 768}, javaScriptEnabled: false},
];

// texts returns what is in all slots of the state.
const texts = (page) => page.$$eval("[id^=v-]", (all) => all.map((e) => e.textContent));

// stepThrough goes on to the end and back, and compares the states that it meets.
async function stepThrough(page, problems) {
	const steps = await page.$$eval("tr.step", (all) => all.length);
	const met = [];
	await page.keyboard.press("Home");
	for (let i = 0; i < steps; i++) {
		met.push(JSON.stringify(await texts(page)));
		const at = await page.getAttribute("tr[aria-current]", "id");
		if (at !== "step-" + (i + 1)) {
			problems.push("at " + at + " instead of step-" + (i + 1));
		}
		await page.keyboard.press(i % 2 ? "j" : "ArrowDown");
	}
	for (let i = steps - 2; i >= 0; i--) {
		await page.keyboard.press(i % 2 ? "k" : "ArrowUp");
		if (JSON.stringify(await texts(page)) !== met[i]) {
			problems.push("another state at step " + (i + 1) + " on the way back");
		}
	}
}

async function check(browser, file, screen) {
	const problems = [];
	const context = await browser.newContext(screen);
	const page = await context.newPage();
	page.on("console", (m) => m.type() === "error" && problems.push(m.text()));
	page.on("pageerror", (e) => problems.push(String(e)));
	page.on("request", (r) => r.url().startsWith("file:") || problems.push("asks for " + r.url()));
	await page.goto("file://" + path.resolve(file));
	if (!await page.$("#steps tr.step")) {
		problems.push("no steps");
	}
	const out = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
	if (out > 0) {
		problems.push(out + " pixels stick out");
	}
	await page.screenshot({path: file + "." + screen.name + ".png", fullPage: true});
	if (screen.javaScriptEnabled !== false) {
		await stepThrough(page, problems);
	}
	await context.close();
	return problems;
}

const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"],
});
let failed = false;
for (const file of process.argv.slice(2)) {
	for (const screen of screens) {
		for (const problem of await check(browser, file, screen)) {
			console.log(file + ", " + screen.name + ": " + problem);
			failed = true;
		}
	}
}
await browser.close();
process.exit(failed ? 1 : 0);
