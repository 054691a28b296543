-- In what language somebody wants to be answered. Whoever has not chosen is
-- answered in the language that their chat is set to.

-- +goose Up

CREATE TABLE language (
    tenant   TEXT NOT NULL,
    account  TEXT NOT NULL,           -- JSON of chat.Account: whoever is not linked may choose as well
    object   TEXT NOT NULL,           -- directory object ID, empty if not linked
    language TEXT NOT NULL,           -- ISO 639-1
    PRIMARY KEY (tenant, account)
);
CREATE INDEX language_object ON language (tenant, object);

-- +goose Down

DROP TABLE language;
