-- What the guide could not do for people: no names, and no time but the week.

-- +goose Up

CREATE TABLE guide_gap (
    tenant TEXT NOT NULL,
    week   INTEGER NOT NULL,          -- its Monday, UTC
    kind   TEXT NOT NULL,             -- asked, wanted, unhelpful, elsewhere or language
    topic  TEXT NOT NULL,             -- the article that did not help or came nearest, or a language's code, or empty
    words  TEXT NOT NULL,             -- the question with all masked that may tell of somebody, or empty
    times  INTEGER NOT NULL,
    PRIMARY KEY (tenant, week, kind, topic, words)
);

-- +goose Down

DROP TABLE guide_gap;
