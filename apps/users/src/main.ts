import { startApplication } from './application.js';
import { runAsProcess } from './process/run-as-process.js';

void runAsProcess(startApplication);
