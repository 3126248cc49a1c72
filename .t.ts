import { spawn } from 'node:child_process';
import http from 'node:http';
import { jobOf } from './test/support/pipelineHarness.ts';
const got: string[]=[]; const t00=performance.now();
const srv=http.createServer((q,s)=>{ let n=0; q.on('data',b=>n+=b.length); q.on('end',()=>{ got.push(`${q.url}:${n}@${(performance.now()-t00).toFixed(0)}`); s.writeHead(204).end(); }); }); await new Promise<void>(r=>srv.listen(0,'127.0.0.1',r)); const port=(srv.address() as any).port;
const c=spawn(process.execPath,['compositor/main.ts'],{stdio:['ignore','inherit','inherit','ipc'],serialization:'json',env:{...process.env,LIANMAI_MEDIA_HOST:'127.0.0.1',LIANMAI_MEDIA_PORTS:'0-0',LIANMAI_LOG_LEVEL:'info'}});
let startMs=0;
c.on('message',(m:any)=>{ const now=performance.now();
 if (m.type==='clock-ask') { c.send({type:'clock',t0:m.t0,t1:now,t2:now}); return; }
 if (m.type!=='stats' ) console.log((now-t00).toFixed(0),JSON.stringify(m)); else console.log('stats',JSON.stringify({...m.stats}));
 if (m.type==='warm') c.send({type:'open',protocol:1,broadcast:'btestbroadcast',compositor:'ctestcompositor',fence:1});
 if (m.type==='bound') { startMs=now; c.send({type:'job',job:{...jobOf([], {deliveryUrl:`http://127.0.0.1:${port}`,firstSegment:2, startMs, renditions:[{id:'v720',kind:'video',width:1280,height:720,bitrate:2500000},{id:'a0',kind:'audio',bitrate:128000}]})}}); }
});
setTimeout(()=>c.send({type:'stop'}),6000);
c.on('exit',(code,sig)=>{ console.log('exit',code,sig, 'start',startMs-t00); console.log(got.join('\n')); srv.close(); });
