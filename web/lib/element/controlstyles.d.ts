/** The look of what is operated: buttons, the pad, the menu, the panel. */
export declare const controlStyles: import("lit").CSSResult;
