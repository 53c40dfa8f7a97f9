import { css } from "lit";
/** The look of what is operated: buttons, the pad, the menu, the panel. */
export const controlStyles = css `
  button {
    display: inline-grid;
    place-items: center;
    min-width: 40px;
    height: 40px;
    padding: 0;
    border: 1px solid var(--sightline-line);
    border-radius: 11px;
    background: var(--sightline-glass);
    backdrop-filter: blur(14px) saturate(1.4);
    color: inherit;
    font: inherit;
    cursor: pointer;
    transition: background 120ms ease-out;
  }
  button:hover {
    background: rgb(44 56 76 / 80%);
  }
  button[aria-pressed="true"],
  button[aria-expanded="true"] {
    background: rgb(127 178 255 / 24%);
    border-color: rgb(127 178 255 / 50%);
  }
  button:focus-visible {
    outline: 2px solid var(--sightline-accent);
    outline-offset: 2px;
  }
  .again {
    margin-top: 14px;
    padding-inline: 18px;
    font-weight: 550;
  }

  dl {
    position: absolute;
    right: 12px;
    bottom: 64px;
    display: grid;
    grid-template-columns: auto auto;
    gap: 5px 22px;
    margin: 0;
    max-height: calc(100cqh - 150px);
    padding: 13px 15px;
    overflow-y: auto;
    border: 1px solid var(--sightline-line);
    border-radius: 13px;
    background: rgb(10 14 20 / 78%);
    backdrop-filter: blur(18px) saturate(1.4);
    font-size: 12.5px;
    font-variant-numeric: tabular-nums;
    animation: rise 140ms ease-out;
  }
  dt {
    color: var(--sightline-quiet);
  }
  dd {
    margin: 0;
    text-align: end;
    font-weight: 550;
    white-space: nowrap;
  }
  dd.note {
    grid-column: 1 / -1;
    max-width: 32ch;
    color: var(--sightline-quiet);
    font-weight: 400;
    text-align: start;
    white-space: normal;
  }

  .held {
    touch-action: none;
    user-select: none;
    -webkit-user-select: none;
    -webkit-touch-callout: none;
  }
  .talk.asking {
    border-color: var(--sightline-relay);
    color: var(--sightline-relay);
  }
  .talk.on {
    background: var(--sightline-stop);
    border-color: transparent;
    color: #1d0507;
    animation: heard 1.6s ease-out infinite;
  }
  .quality {
    padding-inline: 9px;
    font-size: 12.5px;
    font-weight: 650;
    letter-spacing: 0.03em;
  }

  .pad,
  .menu {
    position: absolute;
    bottom: 64px;
    border: 1px solid var(--sightline-line);
    border-radius: 13px;
    background: rgb(10 14 20 / 62%);
    backdrop-filter: blur(18px) saturate(1.4);
    animation: rise 140ms ease-out;
  }
  .pad {
    --cell: 40px;
    left: 12px;
    display: grid;
    grid-template: repeat(3, var(--cell)) / repeat(3, var(--cell)) 8px var(--cell);
    gap: 3px;
    padding: 6px;
  }
  .pad button {
    min-width: 0;
    height: auto;
    border-color: transparent;
    background: rgb(255 255 255 / 7%);
    backdrop-filter: none;
  }
  .pad button:hover {
    background: rgb(255 255 255 / 14%);
  }
  .pad button[aria-pressed="true"] {
    background: rgb(127 178 255 / 40%);
  }
  .pad .up {
    grid-area: 1 / 2;
  }
  .pad .left {
    grid-area: 2 / 1;
  }
  .pad .home {
    grid-area: 2 / 2;
  }
  .pad .right {
    grid-area: 2 / 3;
  }
  .pad .down {
    grid-area: 3 / 2;
  }
  .pad .closer {
    grid-area: 1 / 5;
  }
  .pad .wider {
    grid-area: 3 / 5;
  }

  .menu {
    right: 12px;
    display: grid;
    min-width: 172px;
    padding: 5px;
  }
  .menu button {
    display: flex;
    align-items: center;
    gap: 8px;
    height: 36px;
    padding-inline: 8px 12px;
    border-color: transparent;
    border-radius: 9px;
    background: none;
    backdrop-filter: none;
    font-size: 13.5px;
    font-weight: 550;
  }
  .menu button:hover {
    background: rgb(255 255 255 / 10%);
  }
  .menu small {
    margin-inline-start: auto;
    padding-inline-start: 16px;
    color: var(--sightline-quiet);
    font-size: 12px;
    font-weight: 400;
    font-variant-numeric: tabular-nums;
  }
  .tick {
    display: grid;
    width: 16px;
    color: var(--sightline-accent);
  }
  .tick svg {
    width: 16px;
    height: 16px;
  }

  @container (height < 420px) {
    dl {
      grid-template-columns: repeat(2, auto auto);
      align-content: start;
      gap: 3px 14px;
    }
    dd.note {
      max-width: 56ch;
    }
  }
  @container (height < 240px) {
    .bottom button {
      min-width: 34px;
      height: 34px;
      border-radius: 9px;
    }
    .quality {
      padding-inline: 7px;
    }
    dl {
      top: 42px;
      bottom: 48px;
      inset-inline: 8px;
      max-height: none;
      gap: 0 10px;
      padding: 6px 10px;
      font-size: 11px;
    }
    .pad {
      --cell: 31px;
      left: 8px;
      bottom: 48px;
      gap: 2px;
      padding: 4px;
      border-radius: 11px;
    }
    .pad svg {
      width: 17px;
      height: 17px;
    }
    .menu {
      right: 8px;
      bottom: 48px;
    }
    .menu button {
      height: 32px;
    }
  }
  @keyframes heard {
    0% {
      box-shadow: 0 0 0 0 rgb(255 138 143 / 60%);
    }
    100% {
      box-shadow: 0 0 0 10px rgb(255 138 143 / 0%);
    }
  }
`;
//# sourceMappingURL=controlstyles.js.map