package main

import (
	"context"
	"fmt"
	"time"
)

// clockBehind is how late the producer's clock is made.
const clockBehind = 20 * time.Second

// changes are made while Ann and Ben work on cases in every way.
func (t *story) changes(ctx context.Context) error {
	const some = 60 // cases
	day := t.s.begin(ctx)
	err := t.changeAllButTheProcess(ctx, day, some)
	worked, fault := day.over()
	if fault != nil || err != nil {
		return fmt.Errorf("after %d cases: %w", worked, firstOf(fault, err))
	}
	t.say("so far", "%d times worked on cases, no attempt failed", worked)

	if err := t.s.restartConsumer(); err != nil {
		return err
	}
	key, err := signingKey(t.s.current().keys())
	if err != nil {
		return err
	}
	t.say("restart", "Financial operations was stopped and started from its files; %s signs", key.KeyID)
	day = t.s.begin(ctx)
	err = day.more(ctx, some)
	again, fault := day.over()
	if fault != nil || err != nil {
		return fmt.Errorf("after the restart and %d cases: %w", again, firstOf(fault, err))
	}
	t.say("in all", "%d times worked on cases, no attempt failed", worked+again)
	return nil
}

func (t *story) changeAllButTheProcess(ctx context.Context, day *shift, some int64) error {
	if err := day.more(ctx, some); err != nil {
		return err
	}
	begin := day.done.Load()
	turn, err := t.s.rotate(ctx)
	if err != nil {
		return err
	}
	t.say("keystore", "replaced; cases were worked on %d times until the new key signed", day.done.Load()-begin)
	t.say("  new key", "published after %s, signed after %s", short(turn.Published), short(turn.Signs))
	for _, key := range published(t.s.current().keys()) {
		t.say("  published", "%s", describe(key))
	}
	if err := t.s.arrivesSignedBy(ctx, day, turn.After); err != nil {
		return err
	}
	t.say("  at the producer", "the first token that the new key has signed was admitted")
	if err := day.more(ctx, some); err != nil {
		return err
	}
	t.s.producer.behind.Store(int64(clockBehind))
	t.say("clock", "the producer's is now %s late", clockBehind)
	return day.more(ctx, some)
}

func short(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
