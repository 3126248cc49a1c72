import { describe } from 'vitest';
import { memoryRig } from '../../../support/directory/memoryRig.ts';
import { placesSuite } from '../../../support/place/placesSuite.ts';

describe('the queue for compositors, in memory', () => placesSuite(memoryRig));
