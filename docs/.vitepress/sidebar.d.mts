export declare const sidebar: Readonly<Record<string, readonly unknown[]>>;
