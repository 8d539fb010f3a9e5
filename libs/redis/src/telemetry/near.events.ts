/**
 * The state of a tracking connection, by which the near copies of a connection hear of changes, is another
 * one now.
 */
export interface NearEvent {
  readonly type: 'near.link';
  readonly connection: string;
  /** The address of the server in a cluster; '' for a single server. */
  readonly node: string;
  /**
   * `armed`: values of this server may be served from the process. `lost`: they are not, until the link is
   * back. `unavailable`: the server does not tell what changes; all values are read from it.
   */
  readonly state: 'armed' | 'lost' | 'unavailable';
  /** Why it is lost or unavailable. */
  readonly reason?: string;
}
