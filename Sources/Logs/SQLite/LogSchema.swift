import BridgeCore

/// The tables of the log, and the migrations of older files.
enum LogSchema {
    /// "SBlg", which identifies a log among other databases (`PRAGMA application_id`).
    static let application = 0x5342_6C67

    /// The key among the cursors that stores when one was last written; no source has an empty name.
    static let cursorTime = ""

    /// One migration per element; the number of those applied is the file's `user_version`.
    static let migrations = [
        """
        CREATE TABLE events (
            position   INTEGER PRIMARY KEY,
            accepted   INTEGER NOT NULL,          -- milliseconds since 1970
            source     TEXT NOT NULL,
            subject    TEXT NOT NULL,
            event      TEXT NOT NULL,             -- the model's JSON
            raw        BLOB,                      -- the body as it came; NULL: the payload of the event, 1: the event itself
            attributes TEXT,                      -- [[name, value], ...]
            passage    TEXT,                      -- [origin, hops, trace]; NULL: accepted here first
            kind       INTEGER NOT NULL,          -- 0 message, 1 gap, 2 dead letter
            targets    TEXT NOT NULL,             -- [[sink, route, variant, copy, key, window], ...]
            copies     TEXT,                      -- what `set:` made of the event, one JSON a line
            weight     INTEGER NOT NULL,          -- bytes that count in the bounds of buffers
            repeat_key INTEGER
        );
        CREATE TABLE sinks (
            name     TEXT PRIMARY KEY,
            position INTEGER NOT NULL,            -- settled up to here
            ahead    TEXT,                        -- and these behind it
            forgotten INTEGER NOT NULL DEFAULT 0  -- the last number whose event is gone
        ) WITHOUT ROWID;
        CREATE TABLE cursors (
            source TEXT PRIMARY KEY,          -- '': when one of them was last written, in milliseconds since 1970
            cursor TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE dead_letters (
            id         INTEGER PRIMARY KEY,
            time       INTEGER NOT NULL,          -- milliseconds since 1970
            sink       TEXT NOT NULL,             -- who gave it up; '' when no sink did
            route      TEXT NOT NULL,
            reason     TEXT NOT NULL,
            attempts   INTEGER NOT NULL,
            target     TEXT,                      -- the sink for dead letters that is still owed it
            replay     INTEGER NOT NULL DEFAULT 0,-- 1: retry requested, 2: in delivery
            position   INTEGER NOT NULL,
            source     TEXT NOT NULL,
            subject    TEXT NOT NULL,
            event      TEXT NOT NULL,
            raw        BLOB,
            attributes TEXT,
            passage    TEXT,
            kind       INTEGER NOT NULL
        );
        CREATE TABLE numbers (
            sink     TEXT NOT NULL,
            first    INTEGER NOT NULL,            -- positions from first to last
            last     INTEGER NOT NULL,
            count    INTEGER NOT NULL,            -- of deliveries in between
            sequence INTEGER NOT NULL,            -- went out under this number and the following
            PRIMARY KEY (sink, sequence)
        ) WITHOUT ROWID;
        CREATE TABLE delivered_keys (
            sink    TEXT NOT NULL,
            key     TEXT NOT NULL,
            expires INTEGER NOT NULL,
            PRIMARY KEY (sink, key)
        ) WITHOUT ROWID;
        """,
        // From here on `raw` may be 1, which older versions do not understand.
        "",
        """
        CREATE TABLE repeat_keys (                -- of events that were too large to be kept, and of what sources gave up
            position   INTEGER PRIMARY KEY,
            source     TEXT NOT NULL,
            repeat_key INTEGER NOT NULL
        );
        """,
        """
        CREATE TABLE letter_numbers (
            last INTEGER NOT NULL                 -- the highest that a dead letter ever had: none stands for two
        );
        INSERT INTO letter_numbers SELECT ifnull(max(id), 0) FROM dead_letters;
        CREATE TRIGGER letter_number AFTER INSERT ON dead_letters BEGIN
            UPDATE letter_numbers SET last = NEW.id WHERE last < NEW.id;
        END;
        CREATE INDEX letter_replays ON dead_letters (replay);
        """,
        """
        CREATE TABLE numbered_letters (           -- what went out under a number without being an event of its place
            sink       TEXT NOT NULL,
            sequence   INTEGER NOT NULL,
            place      INTEGER NOT NULL,          -- goes when the event at this position goes
            time       INTEGER NOT NULL,          -- milliseconds since 1970
            source     TEXT NOT NULL,
            subject    TEXT NOT NULL,
            event      TEXT NOT NULL,
            raw        BLOB,
            attributes TEXT,
            passage    TEXT,
            kind       INTEGER NOT NULL,
            PRIMARY KEY (sink, sequence)
        );
        CREATE INDEX numbered_letter_places ON numbered_letters (place);
        CREATE VIEW last_numbers AS               -- the last number that each sink has given
        SELECT sink, max(last) AS last FROM (
            SELECT sink, sequence + count - 1 AS last FROM numbers
            UNION ALL SELECT sink, sequence AS last FROM numbered_letters
        ) GROUP BY sink;
        """,
        """
        ALTER TABLE dead_letters ADD COLUMN weight INTEGER -- bytes that count in the limit of kept letters
        AS (length(CAST(event AS BLOB)) + ifnull(length(CAST(raw AS BLOB)), 0) + 256) VIRTUAL;
        CREATE INDEX kept_letters ON dead_letters (time, id, weight) WHERE target IS NULL AND replay = 0;
        CREATE INDEX owed_letters ON dead_letters (target, id, replay, position, weight) WHERE target IS NOT NULL;
        """,
        // From here on a pending dead letter is a record in `events`, see ``DeadLetterMigration``, and `target` may be
        // the sink that abandoned it. Events published under sequence numbers get settled records at the end of the
        // log.
        """
        ALTER TABLE events ADD COLUMN letter INTEGER; -- the dead letter that it is, or whose event it is once more
        CREATE INDEX event_letters ON events (letter) WHERE letter IS NOT NULL;
        DROP INDEX owed_letters;
        CREATE INDEX owed_letters ON dead_letters (id) WHERE target IS NOT NULL;
        CREATE TEMP TABLE published AS SELECT (SELECT \(LogReading.head)) + row_number() OVER (ORDER BY rowid) AS position,
            sink, sequence, time, source, subject, event, raw, attributes, passage, kind FROM numbered_letters;
        INSERT INTO events (position, accepted, source, subject, event, raw, attributes, passage, kind, targets, weight)
            SELECT position, max(time, ifnull((SELECT max(accepted) FROM events), 0)), source, subject, event, raw, attributes, passage, kind,
            '[["' || sink || '","",0,-1]]', length(CAST(event AS BLOB)) + ifnull(length(CAST(raw AS BLOB)), 0) + 256 FROM published;
        INSERT INTO numbers (sink, first, last, count, sequence) SELECT sink, position, position, 1, sequence FROM published;
        UPDATE sinks SET ahead = (SELECT json_group_array(value) FROM (
            SELECT value FROM json_each(CASE WHEN json_valid(sinks.ahead) THEN sinks.ahead ELSE '[]' END)
            UNION ALL SELECT position FROM published WHERE published.sink = sinks.name)) WHERE name IN (SELECT sink FROM published);
        DROP TABLE published;
        DROP VIEW last_numbers;
        DROP TABLE numbered_letters;
        CREATE VIEW last_numbers AS SELECT sink, max(sequence + count - 1) AS last FROM numbers GROUP BY sink;
        """,
        """
        CREATE TABLE flow_states (                -- what the tools of routes remember
            route   TEXT NOT NULL,
            tool    TEXT NOT NULL,
            key     TEXT NOT NULL,
            state   TEXT NOT NULL,
            changed INTEGER NOT NULL,             -- milliseconds since 1970
            PRIMARY KEY (route, tool, key)
        ) WITHOUT ROWID;
        CREATE TABLE held_events (                -- what they keep until it passes
            route      TEXT NOT NULL,
            id         INTEGER NOT NULL,
            tool       TEXT NOT NULL,
            key        TEXT NOT NULL,
            due        INTEGER NOT NULL,          -- milliseconds since 1970
            targets    TEXT NOT NULL,             -- as in events
            reading    TEXT NOT NULL,             -- what later tools need to know, a JSON array
            source     TEXT NOT NULL,
            subject    TEXT NOT NULL,
            event      TEXT NOT NULL,
            raw        BLOB,
            attributes TEXT,
            passage    TEXT,
            kind       INTEGER NOT NULL,
            PRIMARY KEY (route, id)
        );
        """,
        """
        CREATE TABLE snapshots (                  -- the last event of each key that a sink keeps for new clients
            sink       TEXT NOT NULL,
            sequence   INTEGER NOT NULL,          -- went out under this number
            accepted   INTEGER NOT NULL,          -- milliseconds since 1970
            source     TEXT NOT NULL,
            subject    TEXT NOT NULL,
            event      TEXT NOT NULL,
            raw        BLOB,
            attributes TEXT,
            passage    TEXT,
            kind       INTEGER NOT NULL,
            PRIMARY KEY (sink, sequence)
        );
        """,
    ]

    /// The migration that ``DeadLetterMigration`` completes.
    private static let letterRecords = 7

    /// Migrates a file to the current tables; refuses other databases.
    ///
    /// - Throws: ``LogError``.
    static func migrate(_ connection: borrowing SQLiteConnection) throws {
        let version = try connection.integer("PRAGMA user_version")
        let application = try connection.integer("PRAGMA application_id")
        let isEmpty = try connection.integer("SELECT count(*) FROM sqlite_schema") == 0
        guard application == Self.application || (isEmpty && application == 0) else {
            throw LogError("\(connection.path) is a database, but not a log of this program; name another file")
        }
        guard version >= 0 else {
            throw LogError(
                "the log \(connection.path) does not have the tables of its version (there is no version \(version)); move it away "
                    + "to begin with an empty one, 'sqlite3 \(connection.path) .dump' shows what is in it"
            )
        }
        guard version <= Self.migrations.count else {
            throw LogError(
                "the log \(connection.path) was written by a newer version (its tables have number \(version), "
                    + "this program knows up to \(Self.migrations.count))"
            )
        }
        for number in Int(version)..<Self.migrations.count {
            try connection.transaction {
                try connection.execute(Self.migrations[number])
                if number + 1 == Self.letterRecords { try DeadLetterMigration.run(connection) }
                try connection.execute("PRAGMA application_id = \(Self.application); PRAGMA user_version = \(number + 1);")
            }
        }
    }
}
