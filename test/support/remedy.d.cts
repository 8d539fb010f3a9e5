export declare const REMEDY: string;
export declare const MARK: string;
