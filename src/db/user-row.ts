import { users } from "./schema.ts";

/** An account as the rest of the edge sees it: without its password hash. */
export interface UserRow {
  readonly id: string;
  readonly email: string;
  readonly emailVerifiedAt: Date | null;
  readonly disabledAt: Date | null;
  readonly createdAt: Date;
}

/** The columns of a `UserRow`, for statements that answer one. */
export const userFields = {
  id: users.id,
  email: users.email,
  emailVerifiedAt: users.emailVerifiedAt,
  disabledAt: users.disabledAt,
  createdAt: users.createdAt,
};
