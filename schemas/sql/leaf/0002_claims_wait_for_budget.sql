-- A claim for a state that needs people at the machine has no effect on the node before its run has the budget: claims that are only
-- waiting must not use up the budget of each other.
ALTER TABLE leaf.claim ADD COLUMN granted boolean NOT NULL DEFAULT true;
