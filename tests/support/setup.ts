import { afterAll, expect } from 'vitest';
import { takeComplaints } from './watch-published.ts';

afterAll(() => expect(takeComplaints(), 'answers and events that are not as published').toEqual([]));
