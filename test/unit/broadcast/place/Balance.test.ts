import { describe } from 'vitest';
import { memoryRig } from '../../../support/directory/memoryRig.ts';
import { balanceSuite } from '../../../support/place/balanceSuite.ts';

describe('moving broadcasts to where there is room, in memory', () => balanceSuite(memoryRig));
