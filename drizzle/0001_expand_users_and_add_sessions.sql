-- Everything the old application knows stays valid: it can go on running beside the new one after this step.
ALTER TABLE "users" ALTER COLUMN "password_hash" SET DATA TYPE varchar(255);--> statement-breakpoint
ALTER TABLE "users" ALTER COLUMN "salt" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "email_verified_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "disabled_at" timestamp with time zone;--> statement-breakpoint
CREATE UNIQUE INDEX "users_email_lower_unique" ON "users" USING btree (lower("email"));--> statement-breakpoint
-- A salt belongs to one legacy digest. It leaves with it, whoever replaces the digest by a self-describing string.
CREATE FUNCTION "users_salt_leaves_with_its_hash"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW."password_hash" IS DISTINCT FROM OLD."password_hash" AND NEW."password_hash" LIKE '$%' THEN
		NEW."salt" := NULL;
	END IF;
	RETURN NEW;
END $$;--> statement-breakpoint
CREATE TRIGGER "users_salt_leaves_with_its_hash" BEFORE UPDATE OF "password_hash" ON "users"
	FOR EACH ROW EXECUTE FUNCTION "users_salt_leaves_with_its_hash"();--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"token_hash" "bytea" NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"last_seen_at" timestamp with time zone NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"user_agent" varchar(512),
	CONSTRAINT "sessions_token_hash_is_sha256" CHECK (octet_length("sessions"."token_hash") = 32)
);
--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "sessions_token_hash_unique" ON "sessions" USING btree ("token_hash");--> statement-breakpoint
CREATE INDEX "sessions_user_id_index" ON "sessions" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "sessions_expires_at_index" ON "sessions" USING btree ("expires_at");
