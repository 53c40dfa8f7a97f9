/** The player's look: dark and calm, so that the picture is what one sees. What is operated is in controlstyles.ts. */
export declare const styles: import("lit").CSSResult;
