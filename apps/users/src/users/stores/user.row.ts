import { Column, Entity, PrimaryColumn } from 'typeorm';

import { User } from '../user.js';

/** PostgreSQL returns a date, and SQLite the text that was stored. */
const DATE = {
  type: 'text',
  transformer: {
    to: (date: Date) => date.toISOString(),
    from: (stored: Date | string) => new Date(stored),
  },
} as const;

/** A row of the table `users`, which migrations make. */
@Entity('users')
export class UserRow {
  @PrimaryColumn('text')
  id!: string;

  @Column('text', { name: 'first_name' })
  firstName!: string;

  @Column('text', { name: 'last_name' })
  lastName!: string;

  @Column('text')
  email!: string;

  @Column({ ...DATE, name: 'created_at' })
  createdAt!: Date;

  @Column({ ...DATE, name: 'updated_at' })
  updatedAt!: Date;

  /** Counts the changes, so that a change that was made meanwhile is noticed. */
  @Column('integer')
  version!: number;
}

/** The columns that a user has of its own. */
export function columnsOf({ id, firstName, lastName, email, createdAt, updatedAt }: User) {
  return { id, firstName, lastName, email, createdAt, updatedAt };
}

export function userOf(row: UserRow): User {
  return Object.assign(new User(), columnsOf(row));
}
