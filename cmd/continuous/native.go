package main

import "context"

func (c *campaign) buildNative(ctx context.Context) error { return nil }
func (c *campaign) workNative(ctx context.Context) error  { return nil }
