"use strict";
(() => {
  const sealed = JSON.parse(document.getElementById("sealed").textContent);
  const form = document.querySelector("form"), button = form.querySelector("button"), field = form.querySelector("input");
  const bytes = text => Uint8Array.from(atob(text), character => character.charCodeAt(0));
  const say = kind => document.querySelectorAll("[role=alert] p").forEach(line => { line.hidden = !line.classList.contains(kind); });

  // As plain() of auditor/report/seal.py: no capitals, no accents, single spaces.
  const plain = words => words.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").trim().split(/\s+/).join(" ");

  async function open(words) {
    const text = new TextEncoder();
    const secret = await crypto.subtle.importKey("raw", text.encode(plain(words)), "PBKDF2", false, ["deriveKey"]);
    const key = await crypto.subtle.deriveKey(
      { name: "PBKDF2", hash: "SHA-256", salt: bytes(sealed.salt), iterations: sealed.rounds }, secret,
      { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
    const content = await crypto.subtle.decrypt(
      { name: "AES-GCM", iv: bytes(sealed.nonce), additionalData: text.encode(sealed.version) }, key, bytes(sealed.content));
    return new Response(new Blob([content]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  }

  if (!window.isSecureContext || !crypto.subtle || !window.DecompressionStream) {
    button.disabled = true;
    say("old");
    return;
  }
  form.addEventListener("submit", async event => {
    event.preventDefault();
    button.disabled = true;
    say("");
    try {
      const page = await open(field.value);
      document.open();
      document.write(page);
      document.close();
    } catch {
      say("wrong");
      button.disabled = false;
      field.focus();
      field.select();
    }
  });
  field.focus();
})();
