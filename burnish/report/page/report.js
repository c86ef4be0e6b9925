"use strict";
(() => {
  const tip = document.getElementById("tip");

  const showTip = (rows, x, y) => {
    const table = document.createElement("table");
    for (const [name, value] of rows) {
      const row = table.insertRow();
      row.insertCell().textContent = name;
      row.insertCell().textContent = value;
    }
    tip.replaceChildren(table);
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, x + 14), innerWidth - box.width - 8);
    const top = y - box.height - 14 < 8 ? y + 18 : y - box.height - 14;
    tip.style.left = `${left}px`;
    tip.style.top = `${top}px`;
  };
  const hideTip = () => { tip.hidden = true; };

  for (const svg of document.querySelectorAll("svg[data-points]")) {
    const stages = JSON.parse(svg.dataset.stages);
    const axis = JSON.parse(svg.dataset.axis || '"step"');
    const points = JSON.parse(svg.dataset.points).flatMap((segment, i) =>
      segment.map(([x, y, step, value]) => ({ x, y, step, value, stage: stages[i] })));
    const mark = svg.querySelector(".hover");
    let current = points.length;

    const select = (index) => {
      current = Math.min(Math.max(index, 0), points.length - 1);
      const p = points[current];
      const place = new DOMPoint(p.x, p.y).matrixTransform(svg.getScreenCTM());
      mark.querySelector("line").setAttribute("x1", p.x);
      mark.querySelector("line").setAttribute("x2", p.x);
      mark.querySelector("circle").setAttribute("cx", p.x);
      mark.querySelector("circle").setAttribute("cy", p.y);
      mark.removeAttribute("hidden");
      showTip([[`${p.stage}, ${axis} ${p.step}`, p.value]], place.x, place.y);
    };
    const leave = () => { mark.setAttribute("hidden", ""); hideTip(); };

    const follow = (event) => {
      const at = new DOMPoint(event.clientX, event.clientY)
        .matrixTransform(svg.getScreenCTM().inverse());
      const far = (p) => 1000 * Math.abs(p.x - at.x) + Math.abs(p.y - at.y);
      let nearest = 0;
      points.forEach((p, i) => {
        if (far(p) < far(points[nearest])) nearest = i;
      });
      select(nearest);
    };
    svg.addEventListener("pointermove", follow);
    svg.addEventListener("pointerdown", follow);
    svg.addEventListener("pointerleave", leave);
    svg.addEventListener("blur", leave);
    svg.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!move) return;
      event.preventDefault();
      select(current + move);
    });
  }

  for (const token of document.querySelectorAll("[data-tip]")) {
    const show = () => {
      const box = token.getClientRects()[0];
      showTip(JSON.parse(token.dataset.tip), box.left, box.top);
    };
    token.addEventListener("pointerenter", show);
    token.addEventListener("pointerdown", show);
    token.addEventListener("focus", show);
    token.addEventListener("pointerleave", hideTip);
    token.addEventListener("blur", hideTip);
  }
  addEventListener("scroll", hideTip, { passive: true });
})();
