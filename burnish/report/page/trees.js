"use strict";
(() => {
  for (const tree of document.querySelectorAll(".tree")) {
    const nodes = [...tree.querySelectorAll(".node")];
    if (!nodes.length) continue;
    const dots = new Map([...tree.querySelectorAll("[data-dot]")].map((dot) => [dot.dataset.dot, dot]));
    const summaryOf = (node) => node.querySelector(":scope > summary");
    const parentOf = (node) => node.parentElement.closest(".node");
    const isShown = (node) => {
      for (let up = parentOf(node); up; up = parentOf(up)) if (!up.open) return false;
      return true;
    };

    const point = (node) => {
      for (const marked of tree.querySelectorAll(".current")) marked.classList.remove("current");
      if (!node) return;
      summaryOf(node).classList.add("current");
      dots.get(node.dataset.node)?.classList.add("current");
    };
    const visit = (node) => {
      for (let up = node; up; up = parentOf(up)) up.open = true;
      summaryOf(node).focus({ preventScroll: true });
      summaryOf(node).scrollIntoView({ block: "nearest" });
    };

    const keys = {
      ArrowDown: (node) => { const shown = nodes.filter(isShown); return shown[shown.indexOf(node) + 1]; },
      ArrowUp: (node) => { const shown = nodes.filter(isShown); return shown[shown.indexOf(node) - 1]; },
      Home: () => nodes[0],
      End: () => nodes.filter(isShown).at(-1),
      ArrowRight: (node) => {
        if (node.open) return node.querySelector(".node");
        node.open = true;
        return node;
      },
      ArrowLeft: (node) => {
        if (!node.open) return parentOf(node);
        node.open = false;
        return node;
      },
    };
    const list = tree.querySelector(".nodes");
    list.addEventListener("keydown", (event) => {
      const isPlain = !event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey;
      if (!isPlain || !keys[event.key] || !event.target.matches(".node > summary")) return;
      event.preventDefault();
      const wanted = keys[event.key](event.target.parentElement);
      if (wanted) summaryOf(wanted).focus();
    });
    list.addEventListener("focusin", (event) => point(event.target.closest(".node")));
    list.addEventListener("pointerover", (event) => point(event.target.closest(".node")));
    list.addEventListener("pointerleave", () => point(null));
    tree.querySelector(".drawing").addEventListener("click", (event) => {
      const number = event.target.closest("[data-dot]")?.dataset.dot;
      const node = nodes.find((one) => one.dataset.node === number);
      if (node) visit(node);
    });

    const tools = tree.querySelector(".tools");
    const wanted = { best: (node) => node.classList.contains("best"), all: () => true, none: () => false };
    tools.addEventListener("click", (event) => {
      const isOpen = wanted[event.target.value];
      if (isOpen) for (const node of nodes) node.open = isOpen(node);
    });
    tools.hidden = false;
  }
})();
