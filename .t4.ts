import * as H from './test/support/pipelineHarness.ts';
const red=await H.vp8('color=red:s=640x360:r=30',4), blue=await H.vp8('color=blue:s=640x360:r=30',4);
const one=await H.runPipeline({job:H.jobOf([H.sourceOf(H.camera(0))]),lastSegment:3,video:H.videoFeed(H.camera(0),red)});
const two=await H.runPipeline({job:H.jobOf([H.sourceOf(H.camera(1))],{firstSegment:1}),lastSegment:3,video:H.videoFeed(H.camera(1),blue)});
console.log(two.sink.of('v360').map(p=>p.segment+'/'+p.part).join(' '), two.figures);
const f=two.sink.file('v360'); H.pictures(f,640,360).forEach((p,i)=>{ if(i%15==0) console.log(i,p.at(320,180)); });
const sp=[0,1,2,3].flatMap(k=>(k%2?two:one).sink.of('v360').filter(p=>p.segment===k));
const g=one.sink.file('v360',sp); console.log(H.complaints(g)); H.pictures(g,640,360).forEach((p,i)=>{ if(i%15==0) console.log(i,p.at(320,180)); });
console.log(H.probe(g,'packets','pts').length, H.pictures(g,640,360).length);
