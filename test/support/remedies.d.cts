interface Need {
  readonly name: string;
  readonly mark: string;
  readonly variable: string;
  readonly remedy: string;
}

export declare const REAL_REDIS: Need;
export declare const PROMETHEUS: Need;
export declare const POSTGRES: Need;
