-- The table this project replaces. A database that has it keeps it as it is; a new one starts with it, empty,
-- so that both take the same road from here.
CREATE TABLE IF NOT EXISTS "users" (
	"id" uuid PRIMARY KEY NOT NULL,
	"email" varchar(255) NOT NULL,
	"password_hash" varchar(128) NOT NULL,
	"salt" varchar(64) NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "users_email_unique" UNIQUE("email")
);
--> statement-breakpoint
-- Another table of the same name, or one made by `drizzle-kit push`, must not be taken for the old one.
DO $$
DECLARE
	matching integer;
BEGIN
	SELECT count(*) INTO matching
	FROM information_schema.columns
	WHERE table_schema = current_schema() AND table_name = 'users'
		AND (column_name, data_type) IN (
			('id', 'uuid'),
			('email', 'character varying'),
			('password_hash', 'character varying'),
			('salt', 'character varying'),
			('created_at', 'timestamp with time zone')
		);
	IF matching <> 5 THEN
		RAISE EXCEPTION 'there is a table "users" that is not the old one'
			USING ERRCODE = 'GH001', HINT = 'If drizzle-kit push made it, record that with: gatehouse db migrate --baseline';
	END IF;
END $$;
--> statement-breakpoint
-- Two accounts cannot share an address, and only their owner knows which of them stays.
DO $$
DECLARE
	shared integer;
BEGIN
	SELECT count(*) INTO shared
	FROM (SELECT 1 FROM "users" GROUP BY lower("email") HAVING count(*) > 1) AS addresses;
	IF shared > 0 THEN
		RAISE EXCEPTION '% addresses belong to several accounts that differ only in upper and lower case', shared
			USING ERRCODE = 'GH002', HINT = 'Rename or delete all but one account of each address, then migrate again.';
	END IF;
END $$;
