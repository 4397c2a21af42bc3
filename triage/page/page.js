// Steps through the table of the page: what each step changes is in #updates.
"use strict";
(() => {
	const data = JSON.parse(document.getElementById("updates").textContent);
	const rows = Array.from(document.querySelectorAll("tr.step"));
	const last = rows.length;
	const at = document.getElementById("at");
	const slots = data.start.map((_, i) => document.getElementById("v-" + i));
	let current = 0;

	// textsAfter returns what is in all slots after a step.
	function textsAfter(step) {
		const texts = data.start.slice();
		for (let i = 0; i <= step; i++) {
			for (const u of data.steps[i] || []) {
				texts[u.s] = u.t;
			}
		}
		return texts;
	}

	function show(step, scroll) {
		step = Math.max(0, Math.min(last, step));
		if (current > 0) {
			rows[current - 1].removeAttribute("aria-current");
		}
		current = step;
		const changed = new Set((data.steps[step] || []).map((u) => u.s));
		textsAfter(step).forEach((text, i) => {
			slots[i].textContent = text;
			slots[i].classList.toggle("changed", changed.has(i));
		});
		if (step === 0) {
			at.textContent = "before the first step";
			return;
		}
		const row = rows[step - 1];
		row.setAttribute("aria-current", "step");
		at.textContent = "after step " + step + " of " + last + ": " +
			row.querySelector(".who").textContent + " " + row.querySelector(".what").textContent;
		history.replaceState(null, "", "#" + row.id);
		if (scroll) {
			row.scrollIntoView({block: "nearest"});
		}
	}

	const moves = {
		first: () => 1, back: () => current - 1, on: () => current + 1, last: () => last,
	};
	const keys = {
		j: "on", ArrowDown: "on", ArrowRight: "on", k: "back", ArrowUp: "back",
		ArrowLeft: "back", Home: "first", End: "last",
	};
	document.addEventListener("keydown", (e) => {
		if (e.ctrlKey || e.altKey || e.metaKey || e.shiftKey || !keys[e.key]) {
			return;
		}
		e.preventDefault();
		show(moves[keys[e.key]](), true);
	});
	document.documentElement.classList.add("scripted");
	document.querySelector(".buttons").hidden = false;
	if (matchMedia("(max-width: 52rem)").matches) {
		document.querySelector("aside details").open = false;
	}
	for (const button of document.querySelectorAll("[data-go]")) {
		button.addEventListener("click", () => show(moves[button.dataset.go](), true));
	}
	document.getElementById("steps").addEventListener("click", (e) => {
		const row = e.target.closest("tr.step");
		if (row && !String(getSelection())) {
			show(Number(row.dataset.step), false);
		}
	});
	function fromHash() {
		const m = /^#step-(\d+)$/.exec(location.hash);
		return m ? Number(m[1]) : last;
	}
	addEventListener("hashchange", () => show(fromHash(), false));
	if (last > 0 && location.hash) {
		show(fromHash(), true);
	} else if (last > 0) {
		current = last;
		rows[last - 1].setAttribute("aria-current", "step");
	}
})();
