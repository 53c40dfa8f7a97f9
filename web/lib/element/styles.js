import { css } from "lit";
/** The player's look: dark and calm, so that the picture is what one sees. What is operated is in controlstyles.ts. */
export const styles = css `
  :host {
    --sightline-ground: #080b10;
    --sightline-text: #eef2f8;
    --sightline-quiet: #9ba8bb;
    --sightline-line: rgb(255 255 255 / 12%);
    --sightline-glass: rgb(10 14 20 / 62%);
    --sightline-live: #41d99a;
    --sightline-relay: #f3b552;
    --sightline-accent: #7fb2ff;
    --sightline-stop: #ff8a8f;
    display: block;
    position: relative;
    aspect-ratio: 16 / 9;
    min-width: 0;
    overflow: hidden;
    border-radius: 14px;
    background: var(--sightline-ground);
    color: var(--sightline-text);
    font: 400 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
    container-type: size;
    isolation: isolate;
    -webkit-tap-highlight-color: transparent;
  }
  :host([hidden]) {
    display: none;
  }
  :host(:fullscreen) {
    border-radius: 0;
    width: 100%;
    height: 100%;
    aspect-ratio: auto;
  }
  video {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    object-fit: contain;
    opacity: 0;
    transition: opacity 160ms ease-out;
  }
  .live video {
    opacity: 1;
  }
  .poster {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    object-fit: contain;
    filter: blur(7px) brightness(0.5) saturate(0.8);
    animation: appear 200ms ease-out;
  }
  .poster ~ .veil {
    background: radial-gradient(90% 80% at 50% 50%, rgb(8 11 16 / 40%), transparent);
    text-shadow: 0 1px 3px rgb(0 0 0 / 70%);
  }
  .poster ~ .veil p {
    color: rgb(255 255 255 / 85%);
  }
  section:focus-visible {
    outline: 2px solid var(--sightline-accent);
    outline-offset: -2px;
    border-radius: inherit;
  }
  section {
    position: absolute;
    inset: 0;
    outline: none;
  }
  .stalled video {
    opacity: 0.35;
    filter: saturate(0.4);
  }

  .sr {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .veil {
    position: absolute;
    inset: 0;
    display: grid;
    align-content: center;
    justify-items: center;
    gap: 6px;
    padding: 56px 24px;
    text-align: center;
    background: radial-gradient(120% 100% at 50% 38%, rgb(36 50 72 / 55%), transparent 68%);
  }
  .stalled .veil {
    background: rgb(8 11 16 / 45%);
  }
  .emblem {
    position: relative;
    display: grid;
    place-items: center;
    width: 60px;
    height: 60px;
    margin-bottom: 10px;
    border: 1px solid var(--sightline-line);
    border-radius: 50%;
    background: rgb(255 255 255 / 4%);
    color: var(--sightline-quiet);
  }
  .emblem svg {
    width: 26px;
    height: 26px;
  }
  .busy .emblem::after {
    content: "";
    position: absolute;
    inset: -1px;
    border: 2px solid transparent;
    border-top-color: var(--sightline-accent);
    border-radius: 50%;
    animation: turn 1.1s linear infinite;
  }
  .closed .emblem {
    color: var(--sightline-stop);
  }
  h2 {
    margin: 0;
    font-size: clamp(15px, 3.4cqw, 20px);
    font-weight: 600;
    letter-spacing: -0.01em;
    text-wrap: balance;
  }
  p {
    margin: 0;
    max-width: 40ch;
    color: var(--sightline-quiet);
    font-size: clamp(13px, 2.4cqw, 15px);
    text-wrap: balance;
  }

  .top,
  .bottom {
    position: absolute;
    inset-inline: 0;
    display: flex;
    align-items: center;
    gap: 8px;
    padding: 12px;
    transition: opacity 200ms ease-out;
    pointer-events: none;
  }
  .top {
    top: 0;
  }
  .bottom {
    bottom: 0;
    padding-top: 40px;
  }
  .live .bottom {
    background: linear-gradient(transparent, rgb(0 0 0 / 50%));
  }
  .quiet .bottom {
    opacity: 0;
  }
  .quiet:hover .bottom,
  .quiet:focus-within .bottom {
    opacity: 1;
  }
  .top > *,
  .bottom > * {
    pointer-events: auto;
  }
  .grow {
    flex: 1;
    min-width: 0;
    pointer-events: none;
  }
  .name {
    overflow: hidden;
    padding-inline-start: 4px;
    color: var(--sightline-quiet);
    font-size: 13px;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .live .name {
    color: rgb(255 255 255 / 85%);
    text-shadow: 0 1px 2px rgb(0 0 0 / 60%);
  }

  .pill {
    display: inline-flex;
    align-items: center;
    gap: 7px;
    height: 28px;
    padding-inline: 11px;
    border: 1px solid var(--sightline-line);
    border-radius: 999px;
    background: var(--sightline-glass);
    backdrop-filter: blur(14px) saturate(1.4);
    font-size: 12.5px;
    font-weight: 550;
    letter-spacing: 0.01em;
    white-space: nowrap;
  }
  .pill svg {
    width: 15px;
    height: 15px;
  }
  .dot {
    width: 8px;
    height: 8px;
    border-radius: 50%;
    background: var(--sightline-quiet);
  }
  .live .dot {
    background: var(--sightline-live);
    box-shadow: 0 0 0 0 rgb(65 217 154 / 60%);
    animation: breathe 2.4s ease-out infinite;
  }
  .connecting .dot {
    background: var(--sightline-accent);
  }
  .waiting .dot,
  .lost .dot,
  .away .dot {
    background: var(--sightline-relay);
    animation: none;
  }
  .closed .dot {
    background: var(--sightline-stop);
  }
  .direct svg {
    color: var(--sightline-live);
  }
  .relay svg {
    color: var(--sightline-relay);
  }
  .notice {
    position: absolute;
    top: 52px;
    inset-inline: 12px;
    display: flex;
    flex-direction: column;
    align-items: center;
    gap: 6px;
    pointer-events: none;
  }
  .notice .pill {
    height: auto;
    min-height: 30px;
    padding-block: 4px;
    line-height: 1.3;
    border-color: rgb(243 181 82 / 45%);
    white-space: normal;
  }
  .notice svg {
    flex: none;
    color: var(--sightline-relay);
  }

  @container (height < 240px) {
    .emblem {
      width: 40px;
      height: 40px;
      margin-bottom: 2px;
    }
    .emblem svg {
      width: 20px;
      height: 20px;
    }
    .veil {
      padding-block: 44px 20px;
      gap: 2px;
    }
    .top,
    .bottom {
      padding: 8px;
    }
    .bottom {
      gap: 6px;
    }
    .notice {
      top: 42px;
    }
    .waiting .bottom,
    .closed .bottom,
    .connecting .bottom {
      display: none;
    }
    .again {
      margin-top: 6px;
      height: 34px;
    }
  }
  @container (width < 420px) {
    .name {
      display: none;
    }
  }
  @keyframes turn {
    to {
      rotate: 1turn;
    }
  }
  @keyframes appear {
    from {
      opacity: 0;
    }
  }
  @keyframes breathe {
    70%,
    100% {
      box-shadow: 0 0 0 7px rgb(65 217 154 / 0%);
    }
  }
  @keyframes rise {
    from {
      opacity: 0;
      translate: 0 6px;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::after {
      transition: none !important;
      animation: none !important;
    }
    .busy .emblem::after {
      border-color: var(--sightline-accent);
      opacity: 0.5;
    }
  }
`;
//# sourceMappingURL=styles.js.map