-- What only the old application needed goes, once no account depends on it any more.
DO $$
DECLARE
	remaining bigint;
BEGIN
	LOCK TABLE "users" IN SHARE ROW EXCLUSIVE MODE;
	SELECT count(*) INTO remaining FROM "users" WHERE "salt" IS NOT NULL OR "password_hash" NOT LIKE '$argon2id%';
	IF remaining > 0 THEN
		RAISE EXCEPTION '% accounts still have a legacy password hash', remaining
			USING ERRCODE = 'GH003', HINT = 'Wrap them with: gatehouse hashes wrap --algorithm sha256 --order salt-password';
	END IF;
END $$;
--> statement-breakpoint
UPDATE "users" SET "email" = lower("email") WHERE "email" <> lower("email");--> statement-breakpoint
DROP TRIGGER "users_salt_leaves_with_its_hash" ON "users";--> statement-breakpoint
DROP FUNCTION "users_salt_leaves_with_its_hash"();--> statement-breakpoint
-- The old table's unique constraint or index on the bare column, under whatever name it was made.
DO $$
DECLARE
	old record;
BEGIN
	FOR old IN
		SELECT "index".relname AS name, "constraint".conname AS "constraint"
		FROM pg_index
		JOIN pg_class AS "index" ON "index".oid = pg_index.indexrelid
		LEFT JOIN pg_constraint AS "constraint" ON "constraint".conindid = pg_index.indexrelid AND "constraint".contype = 'u'
		WHERE pg_index.indrelid = 'users'::regclass AND pg_index.indisunique AND NOT pg_index.indisprimary
			AND "index".relname <> 'users_email_lower_unique'
	LOOP
		IF old."constraint" IS NULL THEN
			EXECUTE format('DROP INDEX %I', old.name);
		ELSE
			EXECUTE format('ALTER TABLE "users" DROP CONSTRAINT %I', old."constraint");
		END IF;
	END LOOP;
END $$;
--> statement-breakpoint
ALTER TABLE "users" ALTER COLUMN "id" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "users" DROP COLUMN "salt";
